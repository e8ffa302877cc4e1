import { startTimer, type Clock } from '../../clock.ts';
import { asError } from '../../errors.ts';
import type { MeterReading } from '../meters.ts';
import type { MetricsSender } from './otlp.ts';

export interface MetricsPushOptions {
  read: () => Promise<MeterReading[]>;
  sender: MetricsSender;
  intervalMs: number;
  clock: Clock;
  /** Told what became of each sending. */
  onSent: (error: Error | undefined) => void;
}

/** How long the end of a process, or a change of settings, waits for the last values. */
const closeMs = 3_000;

/**
 * Sends all metrics at an interval, and once more at the end. What cannot be sent is in the next sending: they count
 * from the start.
 */
export class MetricsPush {
  readonly #options: MetricsPushOptions;
  readonly #stop = new AbortController();
  readonly #startMs: number;
  readonly #running: Promise<void>;

  constructor(options: MetricsPushOptions) {
    this.#options = options;
    this.#startMs = options.clock.now().getTime();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const late = new AbortController();
    const timer = startTimer(this.#options.clock, closeMs, () => late.abort());
    await this.#send(late.signal);
    timer.stop();
    await this.#options.sender.close();
  }

  async #run(): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#send(signal);
    }
  }

  /** Never rejects. */
  async #send(signal: AbortSignal): Promise<void> {
    const { read, sender, clock, onSent } = this.#options;
    try {
      const period = { startMs: this.#startMs, endMs: clock.now().getTime() };
      await sender.send(await read(), period, signal);
      onSent(undefined);
    } catch (error) {
      if (!this.#stop.signal.aborted) onSent(asError(error));
    }
  }
}
