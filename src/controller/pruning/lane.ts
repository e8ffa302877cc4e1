import { systemClock, type Clock } from '../../clock.ts';
import { TokenBucket } from '../../kube/rate-limit.ts';

/** The rate of deletions over all namespaces together; it may change at any time. */
export class DeletionLane {
  readonly #clock: Clock;
  #bucket: TokenBucket;
  #perSecond = 1;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#bucket = this.#of(this.#perSecond);
  }

  async take(perSecond: number, signal: AbortSignal): Promise<void> {
    if (perSecond !== this.#perSecond) {
      this.#perSecond = perSecond;
      this.#bucket = this.#of(perSecond);
    }
    await this.#bucket.take(signal);
  }

  /** Nothing is saved up: deletions are to come evenly. */
  #of(qps: number): TokenBucket {
    return new TokenBucket({ qps, burst: 1, clock: this.#clock });
  }
}
