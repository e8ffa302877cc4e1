import type { Clock } from '../../clock.ts';
import { ApiError } from '../../kube/client.ts';

export interface LineOptions {
  clock: Pick<Clock, 'sleep'>;
  /** Creations at the same time. */
  width: number;
  /** How often one creation is tried while the API server throttles. */
  attempts: number;
  onWaiting?: (waiting: number) => void;
}

const pause = { firstMs: 200, longestMs: 10_000 };

/**
 * Creations in the order in which they were asked for, a few at a time. When the API server throttles (429, 503, 504),
 * those behind wait too: nothing overtakes, nothing is lost.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #open: (() => void)[] = [];
  #running = 0;
  #throttled = 0;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** Creations that wait for their turn. */
  get waiting(): number {
    return this.#open.length;
  }

  get isThrottled(): boolean {
    return this.#throttled > 0;
  }

  /** @throws what `work` throws when it is no throttling, or has been too often; the signal's reason. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn();
    try {
      return await this.#tried(work, signal);
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#open.push(resolve);
      this.#next();
    });
  }

  #next(): void {
    while (this.#throttled === 0 && this.#running < this.#options.width) {
      const first = this.#open.shift();
      if (first === undefined) break;
      this.#running += 1;
      first();
    }
    this.#options.onWaiting?.(this.#open.length);
  }

  async #tried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let isHolding = false;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await work();
        } catch (error) {
          if (!isThrottling(error) || attempt >= this.#options.attempts) throw error;
          if (!isHolding) {
            isHolding = true;
            this.#throttled += 1;
          }
          const backoff = Math.min(pause.firstMs * 2 ** (attempt - 1), pause.longestMs);
          await this.#options.clock.sleep(Math.max(error.retryAfterMs ?? 0, backoff), signal);
        }
      }
    } finally {
      if (isHolding) this.#throttled -= 1;
    }
  }
}

function isThrottling(error: unknown): error is ApiError {
  return error instanceof ApiError && [429, 503, 504].includes(error.status);
}
