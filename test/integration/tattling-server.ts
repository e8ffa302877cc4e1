import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../../src/request-body.fake.ts';

/** In every answer of a TattlingServer as a registry or after a redirect: nobody may pass it on. */
export const TATTLED = 'tattled-by-a-foreign-server';

/**
 * A server that repeats whatever it was sent, headers and body, in the error that it answers: as registry, token
 * server, Vault, Fulcio, Rekor or store. Paths with `/token` hand out a token instead, paths with `/moved` redirect to
 * another host with what they were sent in the address.
 */
export class TattlingServer {
  readonly #server: Server;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  host = '';
  /** What `/token` hands out. */
  token = '';

  private constructor() {
    this.#server = createServer((request, response) => void this.#tattle(request, response));
  }

  static async start(): Promise<TattlingServer> {
    const tattling = new TattlingServer();
    await new Promise<void>((resolve) => tattling.#server.listen(0, '127.0.0.1', resolve));
    tattling.host = `127.0.0.1:${(tattling.#server.address() as AddressInfo).port}`;
    return tattling;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #tattle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) return;
    const { url = '', headers } = request;
    this.asked.push(url);
    // A service that the operator named may say what is wrong.
    const isForeign = url.startsWith('/v2') || headers.host?.startsWith('localhost') === true;
    const sent = `${isForeign ? TATTLED : 'tattled'} ${url} ${JSON.stringify(headers)} ${body.toString('utf8')}`;
    if (url.includes('/token')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token: this.token }));
    } else if (url.includes('/moved') && !url.includes('told=')) {
      const [, port = ''] = this.host.split(':');
      const location = `http://localhost:${port}/moved?told=${encodeURIComponent(sent).slice(0, 4000)}`;
      response.writeHead(307, { location }).end();
    } else {
      const challenge =
        headers.authorization === undefined ? `Bearer realm="http://${this.host}/token",service="tattle"` : undefined;
      response
        .writeHead(challenge ? 401 : 403, {
          'content-type': 'application/json',
          ...(challenge ? { 'www-authenticate': challenge } : {}),
        })
        .end(JSON.stringify({ message: sent, error: sent, errors: [{ code: 'DENIED', message: sent, detail: sent }] }));
    }
  }
}
