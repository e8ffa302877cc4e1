import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { nodes, pods } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/resource.ts';
import { issueAuthority, issueServer } from '../../src/webhook/certificates/issue.ts';

const DAY_MS = 86_400_000;
/** What is written at once. */
const PORTION_LINES = 1_000;
const FILLER = 'compiling a module whose name nobody remembers, and linking it afterwards';

/** One line as the kubelet writes it with timestamps: some 120 bytes. */
export function logLine(at: number): string {
  const time = new Date(Date.UTC(2026, 0, 1) + at).toISOString().replace('Z', '000000Z');
  return `${time} line ${at + 1} ${FILLER}\n`;
}

function* portions(lines: number): Generator<string> {
  for (let at = 0; at < lines; at += PORTION_LINES)
    yield Array.from({ length: Math.min(PORTION_LINES, lines - at) }, (_, index) => logLine(at + index)).join('');
}

/**
 * Stands in for the kubelet's log endpoint where there is no node: a node of its own whose pods all write the same log,
 * so many megabytes as fast as they are taken, and then a last line now and then for as long as somebody follows.
 */
export class StandInLogs {
  readonly #server: Server;
  readonly #client: KubeClient;
  readonly #followers = new Set<ServerResponse>();
  readonly node: string;
  readonly lines: number;
  #extra = 0;

  private constructor(client: KubeClient, server: Server, { node, lines }: { node: string; lines: number }) {
    this.#client = client;
    this.#server = server;
    this.node = node;
    this.lines = lines;
  }

  static async start(client: KubeClient, node: string, megabytes: number): Promise<StandInLogs> {
    const now = new Date();
    const tls = await issueServer(await issueAuthority('kubelets', now, DAY_MS), [node], now, DAY_MS);
    const server = createServer(tls);
    const lines = Math.ceil((megabytes * 2 ** 20) / Buffer.byteLength(logLine(0)));
    const logs = new StandInLogs(client, server, { node, lines });
    server.on('request', (request, response) => {
      if (!request.url?.startsWith('/containerLogs/')) return void response.writeHead(404).end();
      void logs.#write(response, /[?&]follow=true/.test(request.url)).catch(() => response.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await client.create(nodes, { metadata: { name: node } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    await client.patch(nodes, undefined, node, { type: 'merge', subresource: 'status', body: { status } });
    return logs;
  }

  /** A pod of one container, which runs on this node. */
  async createPod(namespace: string, name: string, container: string): Promise<void> {
    const spec = { nodeName: this.node, containers: [{ name: container, image: 'busybox' }] };
    await this.#client.create(pods, { metadata: { namespace, name }, spec } as KubeObject);
  }

  /** Those who follow get one more line. Returns its text. */
  writeLine(): string {
    const line = logLine(this.lines + this.#extra);
    this.#extra += 1;
    for (const follower of this.#followers) follower.write(line);
    return line.split(' ').slice(1, 3).join(' ');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#client.delete(nodes, undefined, this.node);
  }

  async #write(response: ServerResponse, follows: boolean): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/plain' });
    await pipeline(Readable.from(portions(this.lines)), response, { end: false });
    if (!follows) return void response.end();
    this.#followers.add(response);
    response.once('close', () => this.#followers.delete(response));
  }
}
