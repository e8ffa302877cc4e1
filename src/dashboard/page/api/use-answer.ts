import { useEffect, useState } from 'react';
import { sleep } from './objects.ts';
import { addressOf, readJson, RefusedError, textOf } from './request.ts';

/** An answer of the server, as it is now. */
export interface Answer<T> {
  value?: T;
  /** It is read again when something changes. */
  isLive: boolean;
  problem?: string;
}

/** When an answer is read again. */
export interface Again {
  /** Path of a stream of events `change`. */
  changes?: string;
  /** Many changes at once are one for the reader. */
  gatherMs?: number;
  everyMs?: number;
}

const GATHER_MS = 1_000;
const LATER_MS = 2_000;
const MOST_NOT_READY = 3;

/**
 * What the server answers at a path, read again as it changes. The last answer stays while another one is on its way,
 * also to another question of the same page.
 */
export function useAnswer<T>(path: string, { changes, gatherMs = GATHER_MS, everyMs }: Again): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ isLive: false });
  useEffect(() => {
    const gone = new AbortController();
    const following = new Following<T>(path, gone.signal, (change) => setAnswer((before) => merged(before, change)));
    if (changes === undefined) void following.read();
    else followChanges(addressOf(changes), following, gatherMs, gone.signal);
    const timer = everyMs === undefined ? undefined : setInterval(() => void following.read(), everyMs);
    return () => {
      gone.abort();
      clearInterval(timer);
    };
  }, [path, changes, gatherMs, everyMs]);
  return answer;
}

type Change<T> = Partial<Pick<Answer<T>, 'value' | 'isLive'>> & { problem?: string | undefined };

function merged<T>(before: Answer<T>, change: Change<T>): Answer<T> {
  const { problem, ...rest } = { ...before, ...change };
  return { ...rest, ...(problem === undefined ? {} : { problem }) };
}

class Following<T> {
  readonly #path: string;
  readonly #signal: AbortSignal;
  readonly tell: (change: Change<T>) => void;
  #isReading = false;
  #isWanted = false;
  /** How often in a row the server said that it is not ready yet. */
  #notReady = 0;

  constructor(path: string, signal: AbortSignal, tell: (change: Change<T>) => void) {
    this.#path = path;
    this.#signal = signal;
    this.tell = (change) => {
      if (!signal.aborted) tell(change);
    };
  }

  /** One question at a time: what changes meanwhile is asked for afterwards. */
  async read(): Promise<void> {
    this.#isWanted = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isWanted && !this.#signal.aborted) {
      this.#isWanted = false;
      await this.#readOnce();
    }
    this.#isReading = false;
  }

  async #readOnce(): Promise<void> {
    try {
      this.tell({ value: await readJson<T>(this.#path, this.#signal), problem: undefined });
      this.#notReady = 0;
    } catch (error) {
      if (this.#signal.aborted) return;
      // What is being read for the first time is loading, and no problem unless it lasts.
      this.#notReady = error instanceof RefusedError && error.status === 503 ? this.#notReady + 1 : MOST_NOT_READY;
      if (this.#notReady >= MOST_NOT_READY) this.tell({ problem: textOf(error) });
      // What is refused for good is not asked for again; a server that has not read its lists yet will have.
      if (error instanceof RefusedError && error.status < 500 && error.status !== 429) return;
      await sleep(LATER_MS, this.#signal);
      this.#isWanted = true;
    }
  }
}

function followChanges<T>(address: string, following: Following<T>, gatherMs: number, signal: AbortSignal): void {
  const events = new EventSource(address);
  let gathering: ReturnType<typeof setTimeout> | undefined;
  events.addEventListener('ready', () => {
    following.tell({ isLive: true });
    void following.read();
  });
  events.addEventListener('change', () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      void following.read();
    }, gatherMs);
  });
  events.addEventListener('error', () => {
    following.tell({ isLive: false });
    // Refused, or behind a proxy without streams: the page itself says why, or what there is.
    void following.read();
  });
  signal.addEventListener('abort', () => {
    events.close();
    clearTimeout(gathering);
  });
}
