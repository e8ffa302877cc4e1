import type { RunChange, RunPage } from '../../contract.ts';
import { listOf, withChange, withFirstPage, withFreshShown, withMore, type RunList } from '../../view/run-list.ts';
import { addressOf, readJson, RefusedError, textOf } from '../api/request.ts';
import { sleep } from '../api/objects.ts';

export interface FeedState {
  list?: RunList;
  /** Changes come by themselves. */
  isLive: boolean;
  isLoadingMore: boolean;
  problem?: string;
}

const PAGE = 200;
const LATER_MS = 5_000;
/** Counts and totals follow changes, but not each of them. */
const COUNT_AGAIN_MS = 3_000;

/**
 * The list that a query asks for, and what becomes of it. The stream of changes is opened first and the page read once
 * it listens, so that nothing between the two is lost.
 */
export class RunFeed {
  state: FeedState = { isLive: false, isLoadingMore: false };
  /** Where its reader was, when he comes back. */
  offset = 0;
  readonly #query: string;
  readonly #listeners = new Set<() => void>();
  #end: AbortController | undefined;
  #counting: ReturnType<typeof setTimeout> | undefined;

  /** @param query of `GET /v1/runs`, without `limit` and `after` */
  constructor(query: string) {
    this.#query = query;
  }

  /** Calls back after each change of `state`, and follows the server for as long as anybody listens. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end?.abort();
    };
  };

  snapshot = (): FeedState => this.state;

  showFresh(): void {
    if (this.state.list) this.#set({ list: withFreshShown(this.state.list) });
  }

  async loadMore(): Promise<void> {
    const { list, isLoadingMore } = this.state;
    if (list?.next === undefined || isLoadingMore || this.#end === undefined) return;
    this.#set({ isLoadingMore: true });
    try {
      const page = await this.#page(list.next, this.#end.signal);
      if (this.state.list) this.#set({ list: withMore(this.state.list, page) });
    } catch (error) {
      if (!this.#end.signal.aborted) this.#set({ problem: textOf(error) });
    } finally {
      this.#set({ isLoadingMore: false });
    }
  }

  #start(): void {
    const end = new AbortController();
    this.#end = end;
    const events = new EventSource(addressOf(`v1/runs/changes?${this.#query}`));
    events.addEventListener('ready', () => {
      this.#set({ isLive: true });
      void this.#load(end.signal);
    });
    events.addEventListener('change', ({ data }: MessageEvent<string>) => {
      if (this.state.list) this.#set({ list: withChange(this.state.list, JSON.parse(data) as RunChange) });
      this.#countLater(end.signal);
    });
    events.addEventListener('error', () => {
      this.#set({ isLive: false });
      // Refused for good; the page says why, if it is refused as well.
      if (events.readyState === EventSource.CLOSED || this.state.list === undefined) void this.#load(end.signal);
    });
    end.signal.addEventListener('abort', () => {
      events.close();
      clearTimeout(this.#counting);
      this.#counting = undefined;
      this.state = { ...this.state, isLive: false, isLoadingMore: false };
    });
  }

  async #load(signal: AbortSignal): Promise<void> {
    try {
      const page = await this.#page(undefined, signal);
      const { list } = this.state;
      this.#set({ list: list === undefined ? listOf(page) : withFirstPage(list, page), problem: undefined });
    } catch (error) {
      if (signal.aborted) return;
      this.#set({ problem: textOf(error) });
      // The server is not there yet, or has not read its lists: it will.
      if (error instanceof RefusedError && error.status < 500 && error.status !== 429) return;
      await sleep(LATER_MS, signal);
      if (!signal.aborted) await this.#load(signal);
    }
  }

  #countLater(signal: AbortSignal): void {
    this.#counting ??= setTimeout(() => {
      this.#counting = undefined;
      void readJson<RunPage>(`v1/runs?${this.#with({ limit: '1' })}`, signal).then(
        ({ total, counts }) => this.state.list && this.#set({ list: { ...this.state.list, total, counts } }),
        () => undefined,
      );
    }, COUNT_AGAIN_MS);
  }

  #page(after: string | undefined, signal: AbortSignal): Promise<RunPage> {
    const more = { limit: PAGE.toString(), ...(after === undefined ? {} : { after }) };
    return readJson<RunPage>(`v1/runs?${this.#with(more)}`, signal);
  }

  #with(more: Record<string, string>): string {
    const query = new URLSearchParams(this.#query);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    return query.toString();
  }

  #set(change: Partial<Omit<FeedState, 'problem'>> & { problem?: string | undefined }): void {
    if (this.#end?.signal.aborted) return;
    const { problem = this.state.problem, ...rest } = { ...this.state, ...change };
    const isCleared = 'problem' in change && change.problem === undefined;
    this.state = { ...rest, ...(problem === undefined || isCleared ? {} : { problem }) };
    for (const listener of this.#listeners) listener();
  }
}

const REMEMBERED = 5;
const feeds = new Map<string, RunFeed>();

/** The feed of a query; the last few are remembered, so that Back shows at once what was there. */
export function feedOf(query: string): RunFeed {
  const feed = feeds.get(query) ?? new RunFeed(query);
  feeds.delete(query);
  feeds.set(query, feed);
  for (const key of feeds.keys()) if (feeds.size > REMEMBERED) feeds.delete(key);
  return feed;
}
