/**
 * Memory and time of a store of 10,000 pods (about 6 KB each as the API server sends them, a quarter of it
 * managedFields): `node --expose-gc test/bench/kube-store.ts [count]`. Prints one JSON line per measurement.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { pods } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/resources.ts';
import { Store } from '../../src/kube/store.ts';
import { silentLogger } from '../../src/log.ts';

const count = Number(process.argv[2] ?? 10_000);
const collect =
  (globalThis as { gc?: () => void }).gc ??
  (() => {
    throw new Error('run with --expose-gc');
  });

function pod(i: number, resourceVersion: number): Pod {
  const step = (name: string) => ({
    name: `step-${name}`,
    image: `registry.example.com/team-${i % 17}/builder:1.2.${i % 100}`,
    command: ['/tekton/bin/entrypoint'],
    args: [
      '-wait_file',
      '/tekton/run/0/out',
      '-post_file',
      '/tekton/run/1/out',
      '-termination_path',
      '/tekton/termination',
      '-step_metadata_dir',
      '/tekton/run/0/status',
      '-entrypoint',
      'sh',
      '--',
      '-c',
      `echo ${i}`,
    ],
    env: [
      { name: 'HOME', value: '/tekton/home' },
      { name: 'RUN', value: String(i) },
    ],
    resources: {},
    terminationMessagePath: '/tekton/termination',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    volumeMounts: ['run', 'bin', 'home', 'results', 'steps', 'artifacts'].map((v) => ({
      name: `tekton-internal-${v}`,
      mountPath: `/tekton/${v}`,
    })),
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `run-${i}-pod`,
      namespace: `team-${i % 17}`,
      uid: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      resourceVersion: String(resourceVersion),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        'app.kubernetes.io/managed-by': 'tekton-pipelines',
        'tekton.dev/taskRun': `run-${i}`,
        'tekton.dev/taskRunUID': `uid-${i}`,
        'tekton.dev/pipelineRun': `pr-${i % 3000}`,
      },
      annotations: { 'pipeline.tekton.dev/release': 'v1.0.0', 'tekton.dev/ready': 'READY' },
      ownerReferences: [
        {
          apiVersion: 'tekton.dev/v1',
          kind: 'TaskRun',
          name: `run-${i}`,
          uid: `owner-${i}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        {
          manager: 'controller',
          operation: 'Update',
          apiVersion: 'v1',
          time: '2026-01-01T00:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: Object.fromEntries(
            Array.from({ length: 40 }, (_, n) => [`f:field-${n}`, { '.': {}, 'f:name': {} }]),
          ),
        },
      ],
    },
    spec: {
      containers: [step('one'), step('two')],
      restartPolicy: 'Never',
      serviceAccountName: 'default',
      nodeName: `node-${i % 20}`,
      volumes: ['run', 'bin', 'home', 'results', 'steps', 'artifacts'].map((v) => ({
        name: `tekton-internal-${v}`,
        emptyDir: {},
      })),
    },
    status: {
      phase: 'Succeeded',
      podIP: '10.0.0.1',
      startTime: '2026-01-01T00:00:00Z',
      containerStatuses: ['one', 'two'].map((name) => ({
        name: `step-${name}`,
        image: 'builder',
        imageID: `sha256:${'a'.repeat(64)}`,
        ready: false,
        restartCount: 0,
        state: {
          terminated: {
            exitCode: 0,
            reason: 'Completed',
            startedAt: '2026-01-01T00:00:00Z',
            finishedAt: '2026-01-01T00:00:01Z',
          },
        },
      })),
    },
  };
}

const indexes = { controller: (object: Pod) => (object.metadata.ownerReferences ?? []).map((owner) => owner.uid) };
const heap = () => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};
const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
const report = (line: object) => console.log(JSON.stringify(line));

const texts = Array.from({ length: count }, (_, i) => JSON.stringify(pod(i, i + 1)));
const bytes = texts.reduce((sum, text) => sum + text.length, 0);
report({ measure: 'input', objects: count, bytesEach: Math.round(bytes / count) });

function timed(name: string, work: () => unknown): void {
  const before = heap();
  const started = performance.now();
  const kept = work();
  const ms = performance.now() - started;
  report({
    measure: name,
    ms: Math.round(ms),
    microsecondsEach: Math.round((ms * 1000) / count),
    heapMB: megabytes(heap() - before),
    kept: kept !== undefined,
  });
}

timed('parsed JSON as it comes', () => texts.map((text) => JSON.parse(text) as Pod));
timed('store: parse, slim, index', () => {
  const store = new Store<Pod>({ indexes });
  for (const text of texts) store.upsert(JSON.parse(text) as Pod);
  return store;
});
const store = new Store<Pod>({ indexes });
store.replace(
  texts.map((text) => JSON.parse(text) as Pod),
  String(count),
);
timed('10 x relist without changes', () => {
  for (let n = 0; n < 10; n++)
    store.replace(
      texts.map((text) => JSON.parse(text) as Pod),
      String(count),
    );
});
timed('byIndex for every object', () => {
  let found = 0;
  for (let i = 0; i < count; i++) found += store.byIndex('controller', `owner-${i}`).length;
  return found;
});
const updates = Array.from({ length: count }, (_, i) => pod(i, count + i + 1));
timed('update of every object', () => {
  for (const update of updates) store.upsert(update);
});

const server = createServer((request, response) => {
  const query = new URL(request.url ?? '', 'http://x').searchParams;
  if (query.get('watch')) return void response.writeHead(200).flushHeaders();
  const from = Number(query.get('continue') ?? 0);
  const to = Math.min(count, from + Number(query.get('limit') ?? count));
  response.end(
    `{"metadata":{"resourceVersion":"${count}"${to < count ? `,"continue":"${to}"` : ''}},"items":[${texts.slice(from, to).join(',')}]}`,
  );
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = new KubeClient({
  server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
  namespace: 'default',
  credentials: () => Promise.resolve({ headers: {} }),
});
const before = heap();
const started = performance.now();
const stop = new AbortController();
const informer = new Informer<Pod>({ client, resource: pods, indexes, log: silentLogger });
const running = informer.run(stop.signal);
await informer.synced(stop.signal);
const ms = performance.now() - started;
report({
  measure: 'informer over HTTP, pages of 500',
  ms: Math.round(ms),
  objects: informer.store.size,
  heapMB: megabytes(heap() - before),
  rssMB: megabytes(process.memoryUsage().rss),
});
stop.abort();
await running;
await client.close(true);
server.closeAllConnections();
server.close();
