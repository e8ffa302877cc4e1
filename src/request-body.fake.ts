import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

/**
 * For servers of tests: the whole body of a request, or undefined when the client hung up before its end and nobody
 * waits for an answer. An error that is handled by nobody would fail the run.
 */
export function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return buffer(request).catch(() => undefined);
}
