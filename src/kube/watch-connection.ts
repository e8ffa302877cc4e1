import type { Readable } from 'node:stream';
import type { Status } from './api-error.ts';
import { LineSplitter } from './lines.ts';
import type { KubeObject, ObjectMeta } from './object.ts';

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: { metadata: ObjectMeta } }
  | { type: 'ERROR'; object: Status };

/** Nothing came for longer than bookmarks allow: the connection is dead, whatever TCP says. */
export class WatchStalled extends Error {
  override name = 'WatchStalled';
}
/** The server sent something that is no watch event. */
export class WatchGarbled extends Error {
  override name = 'WatchGarbled';
}

const TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);
const IDLE_MS = 120_000;

/**
 * The events of one watch connection. An unfinished last line is dropped: the event comes again, because the watch is
 * resumed from the last whole one. What the reader of the events throws is not caught here.
 * @throws WatchStalled after `idleMs` of silence, WatchGarbled, or the connection's own error.
 */
export async function* readWatch<T extends KubeObject>(
  body: Readable,
  idleMs: number = IDLE_MS,
): AsyncGenerator<WatchEvent<T>, void> {
  const splitter = new LineSplitter();
  const watchdog = setTimeout(
    () => body.destroy(new WatchStalled(`no event or bookmark for ${idleMs / 1000} s`)),
    idleMs,
  );
  try {
    for await (const chunk of body) {
      for (const line of splitter.push(chunk as Uint8Array)) yield parseEvent<T>(line);
      // Only now: the reader may have taken long, and that is not the server's silence.
      watchdog.refresh();
    }
  } finally {
    clearTimeout(watchdog);
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: WatchEvent<T>;
  try {
    event = JSON.parse(line) as WatchEvent<T>;
  } catch (cause) {
    throw new WatchGarbled(`not a watch event: ${line.slice(0, 120)}`, { cause });
  }
  if (!event || !TYPES.has(event.type) || typeof event.object !== 'object' || event.object === null)
    throw new WatchGarbled(`not a watch event: ${line.slice(0, 120)}`);
  if (event.type !== 'ERROR' && !event.object.metadata?.resourceVersion)
    throw new WatchGarbled(`a ${event.type} event without metadata.resourceVersion: ${line.slice(0, 120)}`);
  return event;
}
