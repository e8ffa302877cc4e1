import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../certificate.fake.ts';
import { createLogger, silentLogger } from '../log.ts';
import { serve, type RunningServer, type ServerOptions, type ServerRequest, type ServerRoute } from './server.ts';

const open: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function started(routes: readonly ServerRoute[], options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await serve(routes, { port: 0, host: '127.0.0.1', bodyLimit: 64, log: silentLogger, ...options });
  open.push(server);
  return server;
}

function route(handler: ServerRoute['handler'], method = '*', where = '/*'): ServerRoute {
  return { method, path: where, handler };
}

/** What is written to a socket, byte for byte, and all that comes back until it closes. */
async function raw(port: number, ...parts: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  for (const part of parts) socket.write(part);
  return text(socket);
}

const post = (body: string, headers = '') =>
  `POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

describe('bodies that are admitted', () => {
  it.each<[string, string, number, number]>([
    ['are asked for by the length that is announced', post('abc'), 3, 200],
    [
      'may be as long as any where no length is',
      post('').replace('Content-Length: 0', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      64,
      200,
    ],
    ['are no longer than any', post('', '').replace('Content-Length: 0', 'Content-Length: 65'), 64, 413],
    ['may be none', 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 0, 200],
  ])('%s', async (_name, wire, bytes, status) => {
    const asked: number[] = [];
    let left = 0;
    const admit = (wanted: number) => {
      asked.push(wanted);
      return () => void (left += wanted);
    };
    const server = await started([route(() => ({ status: 200 }))], { admit });
    expect(await raw(server.port, wire)).toContain(`HTTP/1.1 ${status} `);
    await expect.poll(() => left).toBe(bytes);
    expect(asked).toEqual([bytes]);
  });

  it('are not read where there is no room', async () => {
    let calls = 0;
    const server = await started([route(() => ({ status: 200, body: String(++calls) }))], { admit: () => undefined });
    const answer = await raw(server.port, 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: 5[\s\S]*send this one again later/);
    expect(calls).toBe(0);
  });
});

describe('what a handler sees', () => {
  it.each<[name: string, wire: string, wanted: Partial<ServerRequest>]>([
    [
      'a body, byte for byte, whatever its type says',
      post('{ "a":1 }\r\n', 'Content-Type: application/json\r\n'),
      { body: Buffer.from('{ "a":1 }\r\n') },
    ],
    ['a body of no type', post('\u0000x'), { body: Buffer.from('\u0000x') }],
    [
      'a chunked body',
      'POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n',
      { body: Buffer.from('abc') },
    ],
    [
      'a path with its escapes, without the query',
      'GET /a%2Fb?x=1&x=%3F?y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      { method: 'GET', path: '/a%2Fb', body: Buffer.alloc(0), query: new URLSearchParams('x=1&x=%3F?y') },
    ],
  ])('%s', async (_name, wire, wanted) => {
    let seen: ServerRequest | undefined;
    const server = await started([
      route((request) => {
        seen = request;
        return { status: 204 };
      }),
    ]);
    expect(await raw(server.port, wire)).toContain('204');
    expect(seen).toMatchObject(wanted);
  });

  it('the names of its route', async () => {
    const server = await started([
      route(({ params }) => ({ status: 200, body: params['name'] ?? '' }), 'GET', '/v1/:name'),
    ]);
    expect(await raw(server.port, 'GET /v1/abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/abc$/);
  });

  it('that its client has gone', async () => {
    const gone = Promise.withResolvers<unknown>();
    const came = Promise.withResolvers<void>();
    const server = await started([
      route(async ({ signal }) => {
        came.resolve();
        await once(signal, 'abort');
        gone.resolve((signal.reason as Error).message);
        return { status: 200 };
      }),
    ]);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
    await came.promise;
    socket.destroy();
    expect(await gone.promise).toBe('the client has gone');
  });
});

describe('what is answered without a handler', () => {
  const never = route(() => Promise.reject(new Error('secret of the handler')), 'POST', '/a');
  it.each([
    ['another path', 'GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404, 'not found\n'],
    ['another method', 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404, 'not found\n'],
    ['a body that says it is too long', post('x'.repeat(65)), 413, 'the body is longer than 64 bytes\n'],
    [
      'a body that turns out too long',
      `POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n${'x'.repeat(65)}\r\n0\r\n\r\n`,
      413,
      'the body is longer than 64 bytes\n',
    ],
    ['no HTTP', 'hello\r\n\r\n', 400, undefined],
    ['a handler that throws', post('x'), 500, 'internal error; the log of the server says more\n'],
  ])('%s', async (_name, wire, status, body) => {
    const server = await started([never]);
    const answered = await raw(server.port, wire);
    expect(answered).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (body !== undefined) expect(answered.split('\r\n\r\n')[1]).toBe(body);
    expect(answered).not.toContain('secret');
  });

  it('in the words that the caller wants', async () => {
    const refusal = (status: number, message: string) => ({ status, body: JSON.stringify({ error: message }) });
    const server = await started([never], { refusal });
    expect(await raw(server.port, post('x'.repeat(65)))).toMatch(/\{"error":"the body is longer than 64 bytes"\}$/);
  });

  it('a request that does not come whole in time: 408', async () => {
    const server = await started([never], { receiveMs: 200 });
    expect(await raw(server.port, 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx')).toMatch(
      /^HTTP\/1.1 408 /,
    );
  });

  it('what was thrown is in the log, with the path and without the query', async () => {
    const lines: string[] = [];
    const log = createLogger({ name: 'n', destination: { write: (line: string) => void lines.push(line) } });
    const server = await started([never], { log });
    await raw(server.port, post('x').replace('/a', '/a?token=t'));
    expect(lines.join('')).toContain('secret of the handler');
    expect(lines.join('')).toContain('"path":"/a"');
    expect(lines.join('')).not.toContain('token');
  });
});

it('a stream is sent as it comes', async () => {
  const server = await started([route(() => ({ status: 200, body: Readable.from(['ab', 'cd']) }))]);
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(await response.text()).toBe('abcd');
});

it('connections over the limit are closed', async () => {
  const server = await started([route(() => ({ status: 200 }))], { maxConnections: 1 });
  const first = connect(server.port, '127.0.0.1');
  await once(first, 'connect');
  expect(await raw(server.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => '')).toBe('');
  first.destroy();
});

it('a connection may idle for longer than load balancers keep theirs', async () => {
  const server = await started([route(() => ({ status: 200 }))]);
  const { headers } = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(headers.get('keep-alive')).toBe('timeout=72');
});

it('an upgrade goes to who takes it', async () => {
  const onUpgrade: ServerOptions['onUpgrade'] = (request, socket) =>
    socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\nhello ${request.url}`);
  const server = await started([route(() => ({ status: 200 }))], { onUpgrade });
  const wire = 'GET /logs HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  expect(await raw(server.port, wire)).toMatch(/hello \/logs$/);
});

describe('the end', () => {
  /** A request that waits for `go`, on a connection that stays. */
  async function waiting(agent: Agent) {
    const go = Promise.withResolvers<void>();
    const came = Promise.withResolvers<AbortSignal>();
    const server = await started([
      route(async ({ path: where, signal }) => {
        if (where === '/quick') return { status: 200, body: 'quick' };
        came.resolve(signal);
        await Promise.race([go.promise, once(signal, 'abort')]);
        return { status: 200, body: 'done' };
      }),
    ]);
    const get = (where: string) =>
      new Promise<{ status: number; connection: string | undefined; body: string }>((resolve, reject) => {
        const sent = send({ agent, port: server.port, host: '127.0.0.1', path: where }, (response: IncomingMessage) => {
          text(response).then(
            (body) => resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body }),
            reject,
          );
        });
        sent.on('error', reject).end();
      });
    return { server, get, go, came: came.promise };
  }

  it('lets what is in flight end, and takes nothing new', async () => {
    const agent = new Agent({ keepAlive: true });
    const { server, get, go, came } = await waiting(agent);
    const answered = get('/slow');
    await came;
    const closed = server.close(60_000);
    await expect(fetch(`http://127.0.0.1:${server.port}/quick`)).rejects.toThrow();
    go.resolve();
    expect(await answered).toEqual({ status: 200, connection: 'close', body: 'done' });
    await closed;
    agent.destroy();
  });

  it('drains: serves on, new connections too, and ends each with its answer', async () => {
    const agent = new Agent({ keepAlive: true });
    const { server, get } = await waiting(agent);
    expect(await get('/quick')).toMatchObject({ connection: 'keep-alive' });
    server.drain();
    expect(await get('/quick')).toEqual({ status: 200, connection: 'close', body: 'quick' });
    expect(await get('/quick')).toEqual({ status: 200, connection: 'close', body: 'quick' });
    agent.destroy();
  });

  it('ends what takes longer than the grace', async () => {
    const { server, get, came } = await waiting(new Agent());
    const answered = get('/slow').catch((error: Error) => error.message);
    const signal = await came;
    await server.close(0);
    expect(signal.aborted).toBe(true);
    expect(await answered).toMatch(/socket hang up|ECONNRESET|done/);
  });
});

describe('TLS', () => {
  const [first, second] = [selfSigned({ commonName: 'first' }), selfSigned({ commonName: 'second' })];

  async function nameSeen(port: number): Promise<unknown> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const seen: unknown = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return seen;
  }

  it('shows a new certificate from one connection to the next, and keeps the open ones', async () => {
    const server = await started([route(() => ({ status: 200, body: 'kept' }))], { certificate: first });
    const old = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(old, 'secureConnect');
    expect(await nameSeen(server.port)).toBe('first');
    server.setCertificate(second);
    expect(await nameSeen(server.port)).toBe('second');
    old.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await text(old)).toMatch(/kept$/);
  });

  it('refuses a certificate that does not fit its key, and keeps the one it has', async () => {
    const server = await started([route(() => ({ status: 200 }))], { certificate: first });
    expect(() => server.setCertificate({ cert: second.cert, key: first.key })).toThrow(/key values mismatch/);
    expect(await nameSeen(server.port)).toBe('first');
  });

  it('is TLS 1.2 at least', async () => {
    const server = await started([route(() => ({ status: 200 }))], { certificate: first });
    const socket = connectTls({
      port: server.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    await expect(once(socket, 'secureConnect')).rejects.toThrow();
  });

  it('plain HTTP takes no certificate', async () => {
    const server = await started([route(() => ({ status: 200 }))]);
    expect(() => server.setCertificate(first)).toThrow('this server speaks plain HTTP: it takes no certificate');
  });
});
