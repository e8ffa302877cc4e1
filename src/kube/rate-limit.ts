import { elapsedScale, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';

/** A token bucket: `qps` tokens a second, at most `burst` saved up. Callers are served in order. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(options: { qps: number; burst: number; clock?: Clock }) {
    this.#perMs = options.qps / 1000;
    this.#burst = Math.max(1, options.burst);
    this.#clock = options.clock ?? systemClock;
    this.#tokens = this.#burst;
    this.#at = elapsedScale(this.#clock);
  }

  /** Takes a token and says in how many milliseconds it may be used. */
  reserve(): number {
    this.#fill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** Takes a token if one is there now. */
  tryTake(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until a token is there; 0 when one is. */
  untilNextMs(): number {
    this.#fill();
    return Math.max(0, (1 - this.#tokens) / this.#perMs);
  }

  /** Waits for a token. An aborted wait gives it back. */
  async take(signal?: AbortSignal): Promise<void> {
    const wait = this.reserve();
    if (wait <= 0) return;
    try {
      await this.#clock.sleep(wait, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
  }

  #fill(): void {
    const now = elapsedScale(this.#clock);
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
