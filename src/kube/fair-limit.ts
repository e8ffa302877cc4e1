import { systemClock, type Clock } from '../clock.ts';
import { FairLine } from './fair-line.ts';
import { TokenBucket } from './rate-limit.ts';

export interface FairLimitOptions {
  /** Calls a second, and how many may be saved up. */
  qps: number;
  burst: number;
  /** Calls under way at the same time. */
  inFlight: number;
  clock?: Clock;
}

/** Who asks for a turn. */
export interface Turn {
  /** Tenants take turns; the empty one is for what belongs to no namespace. */
  namespace: string;
  /** Goes behind the namespace's other calls, without starving. */
  behind?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * A rate and a number of calls under way, shared out among namespaces: one that asks for thousands of calls waits for
 * itself only. Whoever alone asks has all of it.
 */
export class FairLimit {
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  readonly #line = new FairLine();
  readonly #waiting = new Map<string, () => void>();
  readonly #inFlight: number;
  #free: number;
  #serial = 0;
  #timer = false;

  constructor(options: FairLimitOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#bucket = new TokenBucket({ ...options, clock: this.#clock });
    this.#inFlight = this.#free = options.inFlight;
  }

  /** Calls that wait for their turn. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Whether several calls are under way, or others wait: what is not urgent stays behind them. */
  get isBusy(): boolean {
    return this.waiting > 0 || this.#inFlight - this.#free > 1;
  }

  /** Waits for a turn. Returns what must be called when the call has ended. Rejects when the signal is aborted. */
  async take({ namespace, behind, signal }: Turn): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#line.size === 0 && this.#free > 0 && this.#bucket.tryTake()) {
      this.#free -= 1;
      return this.#release();
    }
    const key = `${namespace}/${this.#serial++}`;
    const turn = new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#line.delete(key);
        this.#waiting.delete(key);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#waiting.set(key, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
    });
    this.#line.add(key, behind ? 'behind' : 'ahead');
    this.#serve();
    await turn;
    return this.#release();
  }

  #release(): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#free += 1;
      this.#serve();
    };
  }

  #serve(): void {
    while (this.#line.size > 0 && this.#free > 0) {
      if (!this.#bucket.tryTake()) return this.#wakeLater();
      const key = this.#line.take() ?? '';
      this.#free -= 1;
      const start = this.#waiting.get(key);
      this.#waiting.delete(key);
      start?.();
    }
  }

  /** One timer, for the next token. */
  #wakeLater(): void {
    if (this.#timer) return;
    this.#timer = true;
    void this.#clock.sleep(this.#bucket.untilNextMs()).then(() => {
      this.#timer = false;
      this.#serve();
    });
  }
}
