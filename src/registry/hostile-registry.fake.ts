import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { digestOf } from './digest.ts';

/** What a hostile registry does with every request but the ping; each is the name of a repository in it. */
export const misdeeds = {
  /** Takes the request, and says nothing. */
  stall: () => undefined,
  /** A byte now and then, for ever. */
  drip: ({ response }) => every(response, 5, ' '),
  /** As fast as it goes, for ever. */
  endless: ({ response }) => pump(response),
  'redirect-loop': ({ response }) => response.writeHead(307, { location: '/v2/redirect-loop/manifests/x' }).end(),
  'redirect-metadata': ({ response }) =>
    response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  'redirect-inside': ({ response, inside }) => response.writeHead(307, { location: `${inside}/admin` }).end(),
  'realm-inside': ({ response, inside }) => challenge(response, `${inside}/token`),
  'realm-metadata': ({ response }) => challenge(response, 'http://169.254.169.254/token'),
  'huge-token': ({ request, response }) =>
    request.url?.startsWith('/token')
      ? response.end(JSON.stringify({ token: 'x'.repeat(3_900_000) }))
      : challenge(response, `http://${request.headers.host}/token/huge-token`),
  'long-token': ({ request, response }) =>
    request.url?.startsWith('/token')
      ? response.end(JSON.stringify({ token: 'x'.repeat(60_000) }))
      : challenge(response, `http://${request.headers.host}/token/long-token`),
  'huge-header': ({ response }) => response.writeHead(200, { long: 'x'.repeat(60_000) }).end('{}'),
  'hard-challenge': ({ response }) => response.writeHead(401, { 'www-authenticate': `${'a'.repeat(15_500)}(` }).end(),
  'huge-index': ({ request, response }) => hugeIndex(request, response, 150),
  /** Few enough, but each as large as may be. */
  'heavy-index': ({ request, response }) => hugeIndex(request, response, 30),
  'deep-json': ({ response }) => response.end('['.repeat(1_000_000)),
  'many-objects': ({ response }) => response.end(`{"manifests":[${'{},'.repeat(300_000)}{}]}`),
  'wrong-digest': ({ response }) =>
    response.writeHead(200, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end('{"config":{}}'),
  'climbing-digest': ({ response }) => response.end('{"config":{"digest":"../../../../admin"}}'),
  html: ({ response }) => response.end('<html>admin console: the password is hunter2</html>'),
  'html-error': ({ response }) => response.writeHead(403).end('<html>the password is hunter2</html>'),
  'json-error': ({ response }) =>
    response
      .writeHead(403)
      .end(JSON.stringify({ errors: [{ code: 'hunter2', message: 'hunter2' }], error: 'hunter2', details: 'hunter2' })),
  'too-many-requests': ({ response }) => response.writeHead(429, { 'retry-after': '3600' }).end(),
  'too-many-requests-now': ({ response }) => response.writeHead(429, { 'retry-after': '0' }).end(),
  reset: ({ request }) => request.socket.destroy(),
} satisfies Record<string, (one: Exchange) => unknown>;

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** The URL of a server inside that is not to be reached. */
  inside: string;
}

/** A registry that does what the repository's name says; it listens at every address of 127/8. */
export class HostileRegistry {
  /** Where what is named `inside` is. */
  inside = '';
  readonly #sockets = new Set<Socket>();
  #sentBefore = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      if (request.url === '/v2/') return response.end('{}');
      const name = /^\/(?:v2|token)\/([^/?]+)/.exec(request.url ?? '')?.[1] ?? '';
      const misdeed = (misdeeds as Record<string, (one: Exchange) => unknown>)[name];
      return misdeed ? misdeed({ request, response, inside: this.inside }) : response.writeHead(404).end();
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#sentBefore += socket.bytesWritten;
      });
    });
  }

  /** Bytes that went out. */
  get sent(): number {
    return [...this.#sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, this.#sentBefore);
  }

  static async start(): Promise<HostileRegistry> {
    const one = new HostileRegistry();
    await new Promise<void>((resolve) => one.#server.listen(0, '0.0.0.0', resolve));
    return one;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function challenge(response: ServerResponse, realm: string): void {
  response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="s"` }).end();
}

function every(response: ServerResponse, ms: number, text: string): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write(text), ms);
  response.on('close', () => clearInterval(timer));
}

function pump(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  const more = () => {
    while (!response.closed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

/** Manifests of nearly a megabyte each, by digest. */
const heavy = new Map<string, string>();

/** An index of as many of them. */
function hugeIndex(request: IncomingMessage, response: ServerResponse, count: number): void {
  const config = { digest: digestOf(Buffer.from('{}')) };
  for (let n = heavy.size; n < Math.min(count, 8); n += 1) {
    const manifest = JSON.stringify({ n, config, pad: 'x'.repeat(900_000) });
    heavy.set(digestOf(Buffer.from(manifest)), manifest);
  }
  const wanted =
    decodeURIComponent(request.url ?? '')
      .split('/')
      .at(-1) ?? '';
  if (wanted === config.digest) return void response.end('{}');
  if (wanted.startsWith('sha256:')) return void response.end(heavy.get(wanted));
  const digests = [...heavy.keys()];
  const manifests = Array.from({ length: count }, (_, n) => ({
    digest: digests[n % digests.length],
    platform: { os: 'linux', architecture: `arch${n}` },
  }));
  response.end(JSON.stringify({ manifests }));
}
