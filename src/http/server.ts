import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** A request whose body has come whole. */
export interface ServerRequest {
  method: string;
  /** Without the query, as it came: escapes are kept. */
  path: string;
  query: URLSearchParams;
  /** The query as it came, without the question mark. */
  rawQuery: string;
  /** What the route's `:names` and `*` stand for. */
  params: Readonly<Record<string, string>>;
  headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came: whoever passes a request on needs repeated headers. */
  rawHeaders: readonly string[];
  /** The bytes as they came: signatures are over these. Empty without a body. */
  body: Buffer;
  /** Aborted when the client has gone before its answer, or when the server ends for good. */
  signal: AbortSignal;
}

/** What is sent back. A stream is ended when the client goes. */
export interface ServerAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array | Readable;
}

export type ServerHandler = (request: ServerRequest) => ServerAnswer | Promise<ServerAnswer>;

/** `method` '*' is every method; `path` is find-my-way's (`/defaulting`, `/apis/*`, `/:name`). */
export interface ServerRoute {
  method: string;
  path: string;
  handler: ServerHandler;
}

/** A certificate chain and its key, PEM. */
export interface ServerCertificate {
  cert: string;
  key: string;
}

export interface ServerOptions {
  /** 0: any free one. */
  port: number;
  host?: string;
  /** TLS (1.2 or newer) with this certificate; without it plain HTTP. */
  certificate?: ServerCertificate;
  /** Longest body, bytes. A longer one is answered 413 and not read further. */
  bodyLimit: number;
  /** How long a request may take to come whole, ms; a slower one is answered 408. */
  receiveMs?: number;
  /** Connections at a time; further ones are closed at once. */
  maxConnections?: number;
  /**
   * Asked before a body is read, with the bytes that it may have: returns what is called when the request is over, or
   * undefined for one that is answered 503 unread. Without it every body that is not too long is read.
   */
  admit?: (bytes: number) => (() => void) | undefined;
  /** Takes connections that are to speak another protocol (WebSocket). Without it they are ordinary requests. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** The body of answers that no handler gives: 404, 408, 413, 500. Plain text unless given. */
  refusal?: (status: number, message: string) => ServerAnswer;
  log: Logger;
}

/** A server that listens. */
export interface RunningServer {
  readonly port: number;
  /** New connections get this certificate; open ones live on. @throws when it does not fit its key. */
  setCertificate(certificate: ServerCertificate): void;
  /**
   * From now on every answer ends its connection, so that clients go elsewhere. New connections are still taken: a
   * Service may send some after it was told that this replica ends.
   */
  drain(): void;
  /** Stops listening, closes idle connections, lets requests in flight end for `graceMs`, then ends what is left. */
  close(graceMs?: number): Promise<void>;
}

const RECEIVE_MS = 30_000;
/**
 * How long a connection may idle: longer than the minute of most load balancers, which would otherwise send into one
 * that just closes. A client whose connections ended sooner would make them anew in each burst, all at once.
 */
const IDLE_MS = 72_000;
/** Node looks for requests that are late this often. */
const LATE_CHECK_MS = 1_000;

/**
 * Serves `routes` over HTTP/1.1. The one server of the webhook, the sink, the interceptors and the dashboard
 * (hack/decisions/0034). What a handler throws is logged, and answered 500 without its text.
 * @throws what `listen` throws (EADDRINUSE, EACCES), and for a certificate that does not fit its key.
 */
export async function serve(routes: readonly ServerRoute[], options: ServerOptions): Promise<RunningServer> {
  const server = nodeServer(options);
  const life: Life = { draining: false, ending: new AbortController() };
  const app = fastify({
    serverFactory: (handler) => server.on('request', handler),
    bodyLimit: options.bodyLimit,
    exposeHeadRoutes: false,
    // A rolling update loses no request: what still comes is answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  answerFailures(app, options);
  admitBodies(app, options);
  for (const { method, path, handler } of routes) {
    app.route({
      method: method === '*' ? [...app.supportedMethods] : method,
      url: path,
      handler: (request, reply) => answer(request, reply, handler, life),
    });
  }
  await listen(app, options);
  return running(app, server, life);
}

/** On every address unless `host` names one; also where the machine has no IPv6. */
async function listen(app: FastifyInstance, { port, host }: ServerOptions): Promise<void> {
  try {
    await app.listen({ port, host: host ?? '::' });
  } catch (error) {
    if (host !== undefined || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
    await app.listen({ port, host: '0.0.0.0' });
  }
}

function nodeServer(options: ServerOptions): Server | TlsServer {
  const timeouts = {
    requestTimeout: options.receiveMs ?? RECEIVE_MS,
    headersTimeout: Math.min(options.receiveMs ?? RECEIVE_MS, 10_000),
    connectionsCheckingInterval: LATE_CHECK_MS,
    keepAliveTimeout: IDLE_MS,
  };
  const server = options.certificate
    ? createTlsServer({ ...timeouts, ...options.certificate, minVersion: 'TLSv1.2' })
    : createServer(timeouts);
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  if (options.onUpgrade) server.on('upgrade', options.onUpgrade);
  return server;
}

function admitBodies(app: FastifyInstance, { admit, bodyLimit, refusal = plainRefusal }: ServerOptions): void {
  if (admit === undefined) return;
  app.addHook('onRequest', async (request, reply) => {
    const { headers } = request;
    // Whoever does not say how long it is may send as much as there may be.
    const announced = Number(headers['content-length'] ?? (headers['transfer-encoding'] ? bodyLimit : 0));
    const leave = admit(Math.min(announced, bodyLimit));
    if (leave) reply.raw.once('close', leave);
    else {
      reply.headers({ connection: 'close', 'retry-after': '5' });
      return send(reply, refusal(503, 'too many bytes of other requests are being read; send this one again later'));
    }
    return undefined;
  });
}

/** How far a server is on its way to the end. */
interface Life {
  draining: boolean;
  ending: AbortController;
}

function running(app: FastifyInstance, server: Server | TlsServer, life: Life): RunningServer {
  return {
    port: (server.address() as AddressInfo).port,
    setCertificate: (certificate) => {
      if (!('setSecureContext' in server)) throw new Error('this server speaks plain HTTP: it takes no certificate');
      server.setSecureContext({ ...certificate, minVersion: 'TLSv1.2' });
    },
    drain: () => void (life.draining = true),
    close: async (graceMs = 0) => {
      life.draining = true;
      const late = setTimeout(() => {
        life.ending.abort(new Error('the server ends'));
        server.closeAllConnections();
      }, graceMs);
      await app.close();
      clearTimeout(late);
    },
  };
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  handler: ServerHandler,
  life: Life,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('the client has gone'));
  });
  const [path = '', query = ''] = (request.raw.url ?? '').split(/\?(.*)/s);
  const given = await handler({
    method: request.method,
    path,
    query: new URLSearchParams(query),
    rawQuery: query,
    params: request.params as Record<string, string>,
    headers: request.headers,
    rawHeaders: request.raw.rawHeaders,
    body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
    signal: AbortSignal.any([gone.signal, life.ending.signal]),
  });
  // Asked only now: the server may have begun to drain meanwhile.
  if (life.draining) reply.header('connection', 'close');
  return send(reply, given);
}

function send(reply: FastifyReply, { status, headers = {}, body = '' }: ServerAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function answerFailures(app: FastifyInstance, { refusal = plainRefusal, bodyLimit, log }: ServerOptions): void {
  app.setNotFoundHandler((_request, reply) => send(reply, refusal(404, 'not found')));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
      return send(reply, refusal(413, `the body is longer than ${bodyLimit} bytes`));
    if (error.statusCode !== undefined && error.statusCode < 500)
      return send(reply, refusal(error.statusCode, messageOf(error)));
    log.error({ error, method: request.method, path: request.raw.url?.split('?')[0] }, 'a request failed');
    return send(reply, refusal(500, 'internal error; the log of the server says more'));
  });
}

function plainRefusal(status: number, message: string): ServerAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${message}\n` };
}
