import type { KubeObject } from '../../../resource.ts';
import { addressOf, readJson, RefusedError, textOf } from './request.ts';

/** What is followed: objects at a path, those that the selectors name. */
export interface ObjectSource {
  /** `apis/tekton.dev/v1/namespaces/ns/taskruns` */
  path: string;
  fieldSelector?: string;
  labelSelector?: string;
  /** Of all namespaces: names alone do not tell objects apart. */
  isEverywhere?: boolean;
}

/** Objects as they are now. */
export interface Objects<T extends KubeObject> {
  /** By name; by namespace and name, with a slash between, where they are of all namespaces. */
  byName: ReadonlyMap<string, T>;
  /** Changes come by themselves; otherwise the list is read again after a while. */
  isLive: boolean;
  isLoaded: boolean;
  /** There were more than are read. */
  isCut?: boolean;
  problem?: string;
}

/** Where there may be very many: they are read page by page, and of pages and changes only what is wanted is kept. */
export interface Sieve<T> {
  keep: (object: T) => boolean;
  pageSize: number;
  mostPages: number;
}

interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Many changes at once are one for the reader. */
const GATHER_MS = 50;

/**
 * Follows objects until the signal is aborted: a list, then a watch from there on, and again when the watch ends. The
 * watch is a WebSocket, for of other connections a browser opens six to one server, whatever the number of tabs.
 */
export async function followObjects<T extends KubeObject>(
  source: ObjectSource,
  onState: (objects: Objects<T>) => void,
  signal: AbortSignal,
  sieve?: Sieve<T>,
): Promise<void> {
  let byName = new Map<string, T>();
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      const { items, from, ...cut } = await readList(source, signal, sieve);
      byName = new Map(items.map((item) => [nameIn(source, item), item]));
      const tell = (isLive: boolean) => onState({ byName: new Map(byName), isLive, isLoaded: true, ...cut });
      tell(false);
      const wasLive = await watch(source, { from, byName, keep: sieve?.keep, tell, signal });
      if (wasLive) pause = FIRST_PAUSE_MS;
    } catch (error) {
      if (signal.aborted) return;
      onState({ byName, isLive: false, isLoaded: error instanceof RefusedError, problem: textOf(error) });
    }
    await sleep(pause, signal);
  }
}

interface Listing<T> {
  items: T[];
  /** The resourceVersion to watch from. */
  from: string;
  isCut?: boolean;
}

async function readList<T extends KubeObject>(
  source: ObjectSource,
  signal: AbortSignal,
  sieve?: Sieve<T>,
): Promise<Listing<T>> {
  const limit = sieve && { limit: sieve.pageSize.toString() };
  const items: T[] = [];
  let next: string | undefined;
  for (let page = 1; ; page++) {
    const path = listPath(source, { ...limit, ...(next === undefined ? {} : { continue: next }) });
    const list = await readJson<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>(path, signal);
    items.push(...(sieve ? list.items.filter(sieve.keep) : list.items));
    const { resourceVersion: from, continue: token } = list.metadata;
    if (!token) return { items, from };
    if (sieve && page >= sieve.mostPages) return { items, from, isCut: true };
    next = token;
  }
}

interface WatchOptions<T extends KubeObject> {
  from: string;
  byName: Map<string, T>;
  keep: Sieve<T>['keep'] | undefined;
  tell: (isLive: boolean) => void;
  signal: AbortSignal;
}

/** Ends when the connection does. Returns whether it ever was one. */
function watch<T extends KubeObject>(source: ObjectSource, options: WatchOptions<T>): Promise<boolean> {
  const { from, byName, keep = () => true, tell, signal } = options;
  return new Promise((resolve) => {
    const address = new URL(addressOf(listPath(source)));
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    for (const [name, value] of [
      ['watch', 'true'],
      ['allowWatchBookmarks', 'true'],
      ['resourceVersion', from],
    ] as const)
      address.searchParams.set(name, value);
    const socket = new WebSocket(address);
    let wasLive = false;
    let gathering: ReturnType<typeof setTimeout> | undefined;
    const stop = () => socket.close();
    signal.addEventListener('abort', stop, { once: true });
    socket.onopen = () => {
      wasLive = true;
      tell(true);
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const event = JSON.parse(data) as WatchEvent<T>;
      const isChange = event.type === 'ADDED' || event.type === 'MODIFIED';
      if (isChange && !keep(event.object)) return;
      if (!applied(event, nameIn(source, event.object), byName)) socket.close();
      gathering ??= setTimeout(() => {
        gathering = undefined;
        if (!signal.aborted) tell(true);
      }, GATHER_MS);
    };
    socket.onclose = () => {
      clearTimeout(gathering);
      signal.removeEventListener('abort', stop);
      if (!signal.aborted) tell(false);
      resolve(wasLive);
    };
  });
}

/** Whether the watch may go on. */
function applied<T extends KubeObject>({ type, object }: WatchEvent<T>, name: string, byName: Map<string, T>): boolean {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      byName.set(name, object);
      return true;
    case 'DELETED':
      byName.delete(name);
      return true;
    case 'BOOKMARK':
      return true;
    case 'ERROR':
      return false;
    default:
      return type satisfies never;
  }
}

function nameIn({ isEverywhere }: ObjectSource, { metadata }: Partial<KubeObject>): string {
  const { name = '', namespace = '' } = metadata ?? {};
  return isEverywhere === true ? `${namespace}/${name}` : name;
}

function listPath({ path, fieldSelector, labelSelector }: ObjectSource, page: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...page,
  });
  return `${path}?${query}`;
}

export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
