import { Readable } from 'node:stream';
import type { RunChange } from '../contract.ts';
import { isOf, type IndexChange, type RunIndex, type Scope } from './index.ts';
import type { Query } from './query.ts';

/** Changes that wait for a reader who does not read: beyond these he gets none any more. */
const MOST_WAITING = 2_000;
/** So that proxies in front do not take a quiet stream for a dead one. */
const BEAT_MS = 20_000;

export interface StreamOptions<T> {
  /** Calls its argument for each change from now on. Returns the way to stop. */
  subscribe: (listener: (change: T) => void) => () => void;
  /** What a reader is told of a change; undefined: nothing. */
  say: (change: T) => Promise<object | undefined>;
  signal: AbortSignal;
}

/**
 * Server-sent events of what changes from now on. A reader who falls behind is told so by the end of the stream: he
 * begins with a page again.
 */
export function streamOf<T>(options: StreamOptions<T>): Readable {
  return Readable.from(events(options), { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* events<T>({ subscribe, say, signal }: StreamOptions<T>): AsyncGenerator<string, void> {
  const waiting: T[] = [];
  let wake = (): void => undefined;
  let isBehind = false;
  const stop = subscribe((change) => {
    if (waiting.length >= MOST_WAITING) isBehind = true;
    else waiting.push(change);
    wake();
  });
  try {
    yield 'retry: 2000\nevent: ready\ndata: {}\n\n';
    while (!signal.aborted && !isBehind) {
      const change = waiting.shift();
      if (change === undefined) {
        const beat = await quiet((next) => (wake = next), signal);
        if (beat) yield ': still here\n\n';
        continue;
      }
      const said = await say(change);
      if (said !== undefined) yield `event: change\ndata: ${JSON.stringify(said)}\n\n`;
    }
  } finally {
    stop();
  }
}

export interface ChangesOptions {
  index: RunIndex;
  query: Query;
  /** Asked for every change anew: rights may be taken away meanwhile. */
  maySee: (scope: Scope) => Promise<boolean>;
  signal: AbortSignal;
}

/** Changes of the runs that a query asks for. */
export function changesOf({ index, query, maySee, signal }: ChangesOptions): Readable {
  return streamOf<IndexChange>({
    subscribe: (listener) => index.onChange(listener),
    say: async (change) => ((await maySee(change.run.run)) ? changeFor(query, change, index) : undefined),
    signal,
  });
}

function changeFor(query: Query, { run, isGone }: IndexChange, index: RunIndex): RunChange | undefined {
  // Other namespaces are none of this reader's: within one, what no longer matches may be on his page.
  if (query.namespaces !== undefined && !query.namespaces.includes(run.run.namespace)) return undefined;
  const isShown = isOf(query, run) && (query.statuses?.has(run.run.status) ?? true);
  if (isGone || !isShown) return { type: 'removed', uid: run.run.uid };
  const [shown] = index.summaries([run]);
  return shown && { type: 'changed', run: shown };
}

/** Whether a beat's time passed with nothing new. */
function quiet(onWake: (next: () => void) => void, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isBeat: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', ended);
      resolve(isBeat);
    };
    const ended = () => end(false);
    const timer = setTimeout(() => end(true), BEAT_MS);
    signal.addEventListener('abort', ended, { once: true });
    onWake(() => end(false));
  });
}
