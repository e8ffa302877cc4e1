import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../request-body.fake.ts';
import { digestOf } from './digest.ts';

/** A request as it came in. */
export interface Heard {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string | object;
  /** Breaks the connection in place of answering. */
  reset?: boolean;
}

/** An HTTP server that answers as a test says and remembers what it was asked. */
export class ScriptedServer {
  readonly heard: Heard[] = [];
  answer: (heard: Heard) => Reply = () => ({ status: 404 });
  readonly #server: Server;
  host = '';

  private constructor(tls?: { key: string; cert: string }) {
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
  }

  static async start(tls?: { key: string; cert: string }): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(tls);
    await new Promise<void>((resolve) => scripted.#server.listen(0, '127.0.0.1', resolve));
    scripted.host = `127.0.0.1:${(scripted.#server.address() as AddressInfo).port}`;
    return scripted;
  }

  /** What was asked, shortly: `GET /v2/x/manifests/y`. */
  get lines(): string[] {
    return this.heard.map(({ method, path }) => `${method} ${path}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await bodyOf(request);
    if (sent === undefined) return;
    const url = new URL(request.url ?? '/', 'http://server');
    const heard = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: sent.toString(),
    };
    this.heard.push(heard);
    const { status, headers = {}, body = '', reset } = this.answer(heard);
    if (reset) return void request.socket.destroy();
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

/** A clock whose sleeps take no time and are counted. */
export class HurriedClock {
  readonly slept: number[] = [];
  #time = Date.parse('2026-01-01T00:00:00Z');
  now(): Date {
    return new Date(this.#time);
  }
  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#time += ms;
    return Promise.resolve();
  }
}

/** A registry in memory over HTTP: manifests, blobs, uploads, and the referrers API if `referrersApi` is set. */
export class FakeRegistry {
  readonly manifests = new Map<string, { bytes: string; mediaType: string }>();
  readonly blobs = new Map<string, string>();
  referrersApi = false;
  readonly server: ScriptedServer;

  constructor(server: ScriptedServer) {
    this.server = server;
    server.answer = (heard) => this.#answer(heard);
  }

  static async start(): Promise<FakeRegistry> {
    return new FakeRegistry(await ScriptedServer.start());
  }

  /** A manifest of a repository by tag or digest, parsed. */
  manifest<T>(repository: string, reference: string): T | undefined {
    const found = this.manifests.get(`${repository} ${reference}`);
    return found && (JSON.parse(found.bytes) as T);
  }

  put(repository: string, reference: string, bytes: string, mediaType: string): string {
    const digest = digestOf(Buffer.from(bytes));
    for (const name of [reference, digest]) this.manifests.set(`${repository} ${name}`, { bytes, mediaType });
    return digest;
  }

  #answer({ method, path, query, headers, body }: Heard): Reply {
    const [, repository = '', kind = '', name = ''] =
      /^\/v2\/(.+?)\/(manifests|blobs|referrers)\/(.*)$/.exec(path) ?? [];
    if (path === '/v2/') return { status: 200 };
    if (kind === 'manifests' && method === 'PUT')
      return this.#store(repository, name, body, headers['content-type'] ?? '');
    if (kind === 'manifests') return found(this.manifests.get(`${repository} ${name}`));
    if (kind === 'referrers') return this.referrersApi ? this.#referrers(repository, name) : { status: 404 };
    if (method === 'POST') return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/1` } };
    if (method === 'PUT') {
      this.blobs.set(query.get('digest') ?? '', body);
      return { status: 201 };
    }
    const blob = this.blobs.get(name);
    return found(blob === undefined ? undefined : { bytes: blob, mediaType: 'application/octet-stream' });
  }

  #store(repository: string, name: string, body: string, mediaType: string): Reply {
    this.put(repository, name, body, mediaType);
    const { subject } = JSON.parse(body) as { subject?: { digest: string } };
    return { status: 201, headers: subject && this.referrersApi ? { 'oci-subject': subject.digest } : {} };
  }

  #referrers(repository: string, digest: string): Reply {
    const own = [...this.manifests]
      .filter(([key]) => key.startsWith(`${repository} sha256:`))
      .map(([, { bytes, mediaType }]) => ({
        bytes,
        mediaType,
        parsed: JSON.parse(bytes) as { subject?: { digest: string }; artifactType?: string; annotations?: object },
      }));
    const manifests = own
      .filter(({ parsed }) => parsed.subject?.digest === digest)
      .map(({ bytes, mediaType, parsed }) => ({
        mediaType,
        digest: digestOf(Buffer.from(bytes)),
        size: bytes.length,
        artifactType: parsed.artifactType,
        annotations: parsed.annotations,
      }));
    return {
      status: 200,
      headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
      body: { schemaVersion: 2, manifests },
    };
  }
}

function found(content: { bytes: string; mediaType: string } | undefined): Reply {
  if (!content) return { status: 404, body: { errors: [{ code: 'UNKNOWN', message: 'unknown' }] } };
  return {
    status: 200,
    headers: {
      'content-type': content.mediaType,
      'content-length': String(Buffer.byteLength(content.bytes)),
      'docker-content-digest': digestOf(Buffer.from(content.bytes)),
    },
    body: content.bytes,
  };
}
