import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpClient, type HttpClientOptions, type HttpRequest } from './client.ts';
import { headerLimit } from './dispatchers.ts';
import type { Resolve } from './resolver.ts';

const signal = AbortSignal.timeout(20_000);

/** A server at an address of its own in 127/8, which stands for a machine. */
class Machine {
  readonly asked: string[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('content');
  readonly #server: Server;
  readonly address: string;

  constructor(address: string) {
    this.address = address;
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.answer(request, response);
    });
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  url(path: string, host = this.address): URL {
    return new URL(`http://${host}:${this.port}${path}`);
  }
  redirect(location: () => URL | string, status = 307): void {
    this.answer = (_, response) => response.writeHead(status, { location: String(location()) }).end();
  }
  start(port = 0): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, this.address, resolve));
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let registry: Machine;
let inner: Machine;
beforeEach(async () => {
  [registry, inner] = [new Machine('127.0.0.1'), new Machine('127.0.0.2')];
  await registry.start();
  await inner.start(registry.port);
});
afterEach(() => Promise.all([registry.stop(), inner.stop()]));

const names =
  (known: Record<string, string[][]>): Resolve =>
  (hostname) => {
    const answers = known[hostname];
    const next = answers && (answers.length > 1 ? answers.shift() : answers[0]);
    return next ? Promise.resolve(next) : Promise.reject(new Error(`getaddrinfo ENOTFOUND ${hostname}`));
  };
const get = (url: URL, rest: Partial<HttpRequest> = {}, options: HttpClientOptions = {}) =>
  new HttpClient({ attempts: 1, ...options }).send({ method: 'GET', url, operation: 'test', ...rest }, signal);
const local = { '127.0.0.1': [['127.0.0.1']], '127.0.0.2': [['127.0.0.2']] };

describe('what a server names', () => {
  it.each<[string, () => URL | string]>([
    ['another internal address', () => inner.url('/admin')],
    ['it written otherwise', () => `http://0x7f.2:${inner.port}/admin`],
    ['it as an IPv6 address', () => `http://[::ffff:127.0.0.2]:${inner.port}/admin`],
    ['a name of it', () => inner.url('/admin', 'inner.test')],
    ['its own name, with another address by now', () => inner.url('/admin', 'registry.test')],
    ['a metadata server', () => 'http://169.254.169.254/latest/meta-data/'],
    ['a name of a metadata server', () => 'http://metadata.test/'],
  ])('is not asked when it is %s', async (_, location) => {
    registry.redirect(location);
    const resolve = names({
      ...local,
      'registry.test': [['127.0.0.1'], ['127.0.0.2']],
      '[::ffff:7f00:2]': [['::ffff:7f00:2']],
      'inner.test': [['127.0.0.2']],
      'metadata.test': [['169.254.169.254']],
      '169.254.169.254': [['169.254.169.254']],
    });
    await expect(get(registry.url('/x', 'registry.test'), {}, { resolve })).rejects.toMatchObject({
      message: expect.stringMatching(/^registry\.test leads to .*: it is not asked/) as string,
      retryable: false,
    });
    expect(inner.asked).toEqual([]);
  });

  it.each<[string, () => URL]>([
    ['its own address', () => registry.url('/there')],
    ['its own name', () => registry.url('/there', 'registry.test')],
    ['a relative URL', () => new URL('/there', registry.url('/'))],
  ])('is followed to %s', async (_, location) => {
    registry.answer = ({ url }, response) =>
      url === '/there' ? response.end('here') : response.writeHead(302, { location: location().href }).end();
    const resolve = names({ ...local, 'registry.test': [['127.0.0.1']] });
    const { body } = await get(registry.url('/x', 'registry.test'), {}, { resolve });
    expect(body.toString()).toBe('here');
  });

  it('is followed to a host that the operator trusts', async () => {
    registry.redirect(() => inner.url('/storage', 'storage.test'));
    const resolve = names({ ...local, 'storage.test': [['127.0.0.2']] });
    await get(registry.url('/x'), {}, { resolve, trustedHosts: ['storage.test'] });
    expect(inner.asked).toEqual(['GET /storage']);
  });

  it('is judged by who named it when it comes in an answer (token servers, upload locations)', async () => {
    const namedBy = { hostname: 'evil.example', address: undefined };
    await expect(get(inner.url('/token'), { namedBy })).rejects.toThrow(
      `evil.example leads to 127.0.0.2:${inner.port}, which is an internal address`,
    );
    await get(registry.url('/token'), { namedBy: { hostname: 'registry', address: '127.0.0.1' } });
    expect([inner.asked, registry.asked]).toEqual([[], ['GET /token']]);
  });

  it('counts the API server as internal wherever it is', async () => {
    const resolve = names({ 'api.test': [['34.118.224.1']] });
    const namedBy = { hostname: 'evil.example', address: undefined };
    const options = { resolve, internalAddresses: ['34.118.224.1'] };
    await expect(get(new URL('http://api.test/'), { namedBy }, options)).rejects.toThrow('internal address');
  });
});

describe('name servers that change their mind', () => {
  it('do not move a connection from a public address to an internal one', async () => {
    const resolve = names({ 'evil.test': [['203.0.114.1'], ['127.0.0.2']] });
    await expect(get(inner.url('/x', 'evil.test'), {}, { resolve })).rejects.toThrow('no public address any more');
    expect(inner.asked).toEqual([]);
  });

  it('do not move one from an internal address to another', async () => {
    const resolve = names({ 'evil.test': [['127.0.0.1'], ['127.0.0.2']] });
    await get(registry.url('/x', 'evil.test'), {}, { resolve });
    expect([registry.asked, inner.asked]).toEqual([['GET /x'], []]);
  });

  it('are tried at the next address when one does not answer', async () => {
    const resolve = names({ 'two.test': [['127.0.0.3', '127.0.0.1']] });
    const { body } = await get(registry.url('/x', 'two.test'), { attempts: 2 }, { resolve, random: () => 0 });
    expect(body.toString()).toBe('content');
  });
});

it('metadata servers are asked by nobody', async () => {
  await expect(get(new URL('http://169.254.169.254/v2/'))).rejects.toThrow('169.254.169.254 is a metadata server');
});

describe('secrets', () => {
  it('in a body do not leave their origin', async () => {
    registry.redirect(() => inner.url('/collect'));
    const sent = get(registry.url('/token'), { method: 'POST', body: 'password=p', secret: true });
    await expect(sent).rejects.toThrow(`wants credentials sent on to 127.0.0.2:${inner.port}`);
    expect(inner.asked).toEqual([]);
  });

  it('in a header stay behind at the first redirect to another origin', async () => {
    const other = new Machine('127.0.0.1');
    await other.start();
    let seen: string | undefined = 'not asked';
    other.answer = ({ headers }, response) => response.end((seen = headers.authorization) ?? '');
    registry.redirect(() => other.url('/storage'));
    await get(registry.url('/x'), { authorization: 'Basic c2VjcmV0' });
    await other.stop();
    expect(seen).toBeUndefined();
  });
});

describe('a call ends', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['no answer', () => undefined],
    ['a byte now and then', (response) => drip(response, 5)],
  ])('in time with %s', async (_, answer) => {
    registry.answer = (_request, response) => answer(response);
    await expect(get(registry.url('/x'), { deadlineMs: 100 })).rejects.toMatchObject({
      message: `127.0.0.1:${registry.port} did not answer in full within 0.1 s`,
      status: 0,
      retryable: true,
    });
  });

  it('before a pause that goes beyond its deadline', async () => {
    registry.answer = (_, response) => response.writeHead(429, { 'retry-after': '20' }).end();
    const { status } = await get(registry.url('/x'), { attempts: 4, deadlineMs: 10_000 });
    expect([status, registry.asked.length]).toEqual([429, 1]);
  });

  it('with a name that nobody resolves', async () => {
    const resolve: Resolve = (_, stop) =>
      new Promise((_resolve, reject) => stop.addEventListener('abort', () => reject(stop.reason as Error)));
    await expect(get(new URL('http://mute.test/'), { deadlineMs: 50 }, { resolve })).rejects.toThrow(
      'mute.test did not answer in full within 0.05 s',
    );
  });

  it('with its caller', async () => {
    registry.answer = () => undefined;
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 20);
    const wanted = { method: 'GET', url: registry.url('/x'), operation: 'test' } as const;
    await expect(new HttpClient().send(wanted, stop.signal)).rejects.toThrow('enough');
  });

  it('with a header that is too large', async () => {
    registry.answer = (_, response) => response.writeHead(200, { long: 'x'.repeat(headerLimit) }).end();
    await expect(get(registry.url('/x'))).rejects.toThrow(/cannot be reached: .*[Hh]eaders? /);
  });

  it.each([
    ['without end', () => registry.url('/again'), 'redirects without end'],
    ['to no URL', () => 'http://[', 'redirects to what is no HTTP URL'],
    ['to a file', () => 'file:///etc/passwd', 'redirects to what is no HTTP URL'],
  ])('with redirects %s', async (_, location, message) => {
    registry.redirect(location);
    await expect(get(registry.url('/x'))).rejects.toThrow(message);
    expect(registry.asked.length).toBeLessThanOrEqual(6);
  });
});

/** The header, then a byte every few milliseconds until the other side goes. */
function drip(response: ServerResponse, ms: number): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), ms);
  response.on('close', () => clearInterval(timer));
}

describe('a burst', () => {
  it.each([
    ['as many connections as it asks for', {}, 8],
    ['the connections that it may have, one request after the other', { connections: 2 }, 2],
  ])('is sent over %s', async (_name, options, most) => {
    let [now, highest] = [0, 0];
    registry.answer = (_, response) => {
      highest = Math.max(highest, ++now);
      setTimeout(() => {
        now -= 1;
        response.end('content');
      }, 50);
    };
    const client = new HttpClient(options);
    const one = () => client.send({ method: 'GET', url: registry.url('/'), operation: 'test' }, signal);
    const answers = await Promise.all(Array.from({ length: 8 }, one));
    expect([answers.map(({ status }) => status), highest]).toEqual([Array.from({ length: 8 }, () => 200), most]);
    await client.close();
  });
});
