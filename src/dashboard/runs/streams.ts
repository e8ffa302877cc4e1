import type { Readable } from 'node:stream';
import type { ServerAnswer } from '../../http/server.ts';
import type { Caller } from '../proxy/caller.ts';
import { RefusedError } from '../refusal.ts';

const MOST_STREAMS = 500;
const MOST_STREAMS_OF_ONE = 50;

/** The streams of changes that are open, of all pages together: each holds a connection. */
export class Streams {
  readonly #open = new Map<string, number>();

  /** Answers with a stream. @throws RefusedError 429 for more streams than one caller, or all, may have. */
  answer(caller: Caller, signal: AbortSignal, streamOf: () => Readable): ServerAnswer {
    const leave = this.#enter(caller);
    const body = streamOf();
    body.once('close', leave);
    // Also when the reader went before it was sent to him.
    signal.addEventListener('abort', () => body.destroy(), { once: true });
    return {
      status: 200,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
      },
      body,
    };
  }

  #enter({ key }: Caller): () => void {
    const ofOne = this.#open.get(key) ?? 0;
    const all = [...this.#open.values()].reduce((sum, count) => sum + count, 0);
    // Without credentials all share one name.
    if (all >= MOST_STREAMS || (key !== '' && ofOne >= MOST_STREAMS_OF_ONE))
      throw new RefusedError(429, 'too many streams of changes are open: close some pages, or read the page again');
    this.#open.set(key, ofOne + 1);
    return () => {
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }
}
