import { readFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import { Informer } from '../../src/kube/informer.ts';
import { configMaps, namespaces } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/resources.ts';
import { createLogger } from '../../src/log.ts';
import { ControlPlane } from './kube-control-plane.ts';

const NAMESPACE = 'kube-expired';
let plane: ControlPlane;
beforeAll(async () => {
  plane = await ControlPlane.up(`kube-expired-${process.pid}`);
});
afterAll(async () => {
  await plane?.down();
});

/** A wire between a client and the API server that can be cut and mended. */
class Wire {
  #cut = false;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(target: URL) {
    this.#server = createServer((near) => {
      if (this.#cut) return void near.destroy();
      const far = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }
  async listen(): Promise<URL> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return new URL(`https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }
  mend(): void {
    this.#cut = false;
  }
  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** Makes etcd forget everything before now, as it does by itself after some minutes. */
async function compact(): Promise<void> {
  const commandLine = (await readFile(`/proc/${await plane.pid('etcd')}/cmdline`, 'utf8')).split('\0');
  const url = commandLine.find((word) => word.startsWith('--advertise-client-urls='))?.split('=')[1];
  const post = async (path: string, body: object) =>
    (await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })).json() as Promise<{
      header: { revision: string };
    }>;
  const { header } = await post('/v3/maintenance/status', {});
  await post('/v3/kv/compaction', { revision: header.revision, physical: true });
}

test("what happened during an outage longer than the server's memory is told: a new list, with deletions", async () => {
  const admin = await plane.client();
  const config = await loadClusterConfig({ kubeconfig: plane.kubeconfig });
  const wire = new Wire(config.server);
  const client = new KubeClient({ ...config, server: await wire.listen() });
  const name = (i: number): ConfigMap => ({
    metadata: { name: `c${i}`, namespace: NAMESPACE, labels: { mine: 'yes' } },
  });
  await admin.create(namespaces, { metadata: { name: NAMESPACE } });
  for (let i = 0; i < 4; i++) await admin.create(configMaps, name(i));

  const problems: string[] = [];
  const log = createLogger({
    name: 't',
    destination: {
      write: (text: string) => {
        problems.push((JSON.parse(text) as { problem?: string }).problem ?? '');
      },
    },
  });
  const informer = new Informer<ConfigMap>({
    client,
    resource: configMaps,
    namespace: NAMESPACE,
    labelSelector: 'mine=yes',
    log,
    longestPauseMs: 300,
  });
  const changes: string[] = [];
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await informer.synced(AbortSignal.timeout(10_000));
  informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));

  wire.cut();
  await admin.delete(configMaps, NAMESPACE, 'c0');
  await admin.delete(configMaps, NAMESPACE, 'c1');
  await admin.create(configMaps, name(1));
  await admin.patch(configMaps, NAMESPACE, 'c2', { type: 'merge', body: { data: { changed: 'yes' } } });
  await admin.create(configMaps, name(9));
  await compact();
  // A new API server remembers nothing that etcd has forgotten.
  await plane.restartApiServer('SIGTERM');
  wire.mend();
  const end = Date.now() + 20_000;
  while (changes.length < 5 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));

  expect(changes.sort()).toEqual(['added c1', 'added c9', 'deleted c0', 'deleted c1', 'updated c2']);
  expect(informer.lists).toBe(2);
  expect(problems.some((problem) => problem.includes('too old resource version'))).toBe(true);
  await admin.create(configMaps, name(10));
  while (changes.length < 6 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(changes.at(-1)).toBe('added c10');
  stop.abort();
  await running;
  wire.close();
  await Promise.all([client.close(true), admin.close(true)]);
});
