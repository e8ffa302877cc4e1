import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../errors.ts';
import type { ServerAnswer } from '../../http/server.ts';
import type { PassThrough } from '../../kube/pass-through.ts';
import type { Logger } from '../../log.ts';
import { refusalOf, RefusedError } from '../refusal.ts';
import { callerOf, pairsOf } from './caller.ts';
import { checkPassage, type Bounds } from './rules.ts';

/** What the handshakes of WebSocket and SPDY say, some of it in answers too. Watches are refused without an origin. */
const handshake = /^(?:accept|origin|user-agent|upgrade|sec-websocket-.*|x-stream-protocol-version)$/;
/** How long an answer that is no upgrade may be: a Status of the API server. */
const LONGEST_REFUSAL = 64 * 1024;

export interface UpgradeOptions extends Bounds {
  passThrough: Pick<PassThrough, 'upgrade'>;
  /** Nobody gets the dashboard's own rights. */
  needsCredentials: boolean;
  log: Logger;
  /** When the server ends, connections do too. */
  end: AbortSignal;
}

/** Connects a caller who wants another protocol (watches by WebSocket, exec) with the API server, both ways. */
export function upgradeHandler(options: UpgradeOptions) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Whoever breaks off has his reasons; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
    connect(request, [socket, head], options).catch((error: unknown) => {
      if (!(error instanceof RefusedError)) options.log.debug({ error: messageOf(error) }, 'an upgrade ended early');
      const { status, message } = error instanceof RefusedError ? error : { status: 502, message: messageOf(error) };
      sayNo(socket, refusalOf(status, message));
    });
  };
}

async function connect(
  request: IncomingMessage,
  [socket, head]: [Duplex, Buffer],
  { passThrough, needsCredentials, end, ...bounds }: UpgradeOptions,
): Promise<void> {
  const { method = 'GET', url = '', rawHeaders, headers } = request;
  const path = url.split('?')[0] ?? '';
  if (!/^\/apis?\//.test(path)) throw new RefusedError(404, 'nothing here speaks another protocol');
  checkPassage({ method, path, headers, isUpgrade: true }, bounds);
  const caller = callerOf(rawHeaders, needsCredentials);
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const passed = pairsOf(rawHeaders).filter(([name]) => handshake.test(name));
  const target = await passThrough.upgrade({
    method,
    target: url,
    headers: [...passed.flat(), 'connection', 'Upgrade', ...caller.headers],
    own: caller.own,
    signal: AbortSignal.any([gone.signal, end]),
  });
  if (target.kind === 'answer') return sayNo(socket, await refusalIn(target.answer));
  const { answer, socket: upstream } = target;
  const said = pairsOf(answer.rawHeaders).filter(([name]) => handshake.test(name));
  socket.write(headOf(101, [...said, ['connection', 'Upgrade']]));
  if (target.head.length > 0) socket.write(target.head);
  if (head.length > 0) upstream.write(head);
  const signal = AbortSignal.any([gone.signal, end]);
  await Promise.allSettled([pipeline(socket, upstream, { signal }), pipeline(upstream, socket, { signal })]);
}

async function refusalIn(answer: IncomingMessage): Promise<ServerAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_REFUSAL) break;
    chunks.push(chunk);
  }
  return {
    status: answer.statusCode ?? 502,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
    body: Buffer.concat(chunks),
  };
}

function sayNo(socket: Duplex, { status, headers = {}, body = '' }: ServerAnswer): void {
  const bytes = Buffer.from(body as string | Uint8Array);
  const lines: [string, string][] = [
    ...Object.entries(headers),
    ['connection', 'close'],
    ['content-length', String(bytes.length)],
  ];
  if (socket.writable) socket.end(Buffer.concat([Buffer.from(headOf(status, lines)), bytes]));
}

function headOf(status: number, headers: readonly [string, string][]): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`;
}
