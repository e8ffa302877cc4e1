import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { systemClock } from '../../src/clock.ts';
import { Caches } from '../../src/controller/caches.ts';
import { cloudEventControllers } from '../../src/controller/cloud-events/controllers.ts';
import { HttpClient } from '../../src/http/client.ts';
import { wholeLeadership } from '../../src/kube/buckets.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { runReplica } from '../../src/kube/replica.ts';
import { events } from '../../src/kube/resources.ts';
import { Watchdog } from '../../src/kube/watchdog.ts';
import { silentLogger } from '../../src/log.ts';
import { customRunResource } from '../../src/reconcilers/pipelinerun/children.ts';
import { QueueMetricsRegistry } from '../../src/role/queue-metrics.ts';
import { loadPlane, newNamespace } from '../load/plane.ts';
import type { ControlPlane } from './kube-control-plane.ts';

/** CloudEvents from a real API server to a real receiver, which goes away, comes back, and takes its time. */
interface Received {
  type: string;
  id: string;
  source: string;
  data: Record<string, KubeObject & { spec: object; status?: object }>;
}

let plane: ControlPlane;
let client: KubeClient;
let port = 0;

beforeAll(async () => {
  ({ plane, client } = await loadPlane(`cloud-events-${process.pid}`));
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  port = (free.address() as AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
}, 240_000);

afterAll(async () => {
  await client?.close(true);
  await plane?.down();
});

interface Receiver {
  received: Received[];
  /** Requests at the same time, at most. */
  peak: number;
  close(): Promise<void>;
}

async function receive(ms = 0): Promise<Receiver> {
  let open = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    receiver.peak = Math.max(receiver.peak, ++open);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers } = request;
      receiver.received.push({
        type: String(headers['ce-type']).replace('dev.tekton.event.', ''),
        id: String(headers['ce-id']),
        source: String(headers['ce-source']),
        data: JSON.parse(Buffer.concat(chunks).toString()) as Received['data'],
      });
      setTimeout(() => {
        open -= 1;
        response.writeHead(202).end();
      }, ms);
    });
  });
  const receiver: Receiver = {
    received: [],
    peak: 0,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return receiver;
}

/** The part of the controller that sends events, as its role puts it together. Returns the way to stop it. */
async function replica(): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const http = new HttpClient({ anyDestination: true });
  const caches = new Caches(client, { namespaces: [] }, silentLogger);
  const recorder = new EventRecorder({ client, component: 'tekton-pipelines-controller', log: silentLogger });
  const leadership = wholeLeadership();
  const sink = `http://127.0.0.1:${port}/events`;
  const controllers = cloudEventControllers({
    client,
    caches,
    leaders: {
      taskRun: leadership,
      pipelineRun: leadership,
      resolutionRequest: leadership,
      run: () => Promise.resolve(),
    },
    settings: { cloudEvents: () => ({ sink, formats: ['tektonv1'], customRuns: true }) },
    http,
    events: recorder,
    queueMetrics: new QueueMetricsRegistry(new Registry()),
    registry: new Registry(),
    watchdog: new Watchdog(silentLogger),
    clock: systemClock,
    log: silentLogger,
  });
  const ready = Promise.withResolvers<void>();
  const options = { sources: [caches], controllers, recorder, log: silentLogger, onReady: () => ready.resolve() };
  const running = runReplica(options, stop.signal);
  await Promise.race([ready.promise, running]);
  return async () => {
    stop.abort();
    await running;
    await http.close();
  };
}

const steps = [{ name: 's', image: 'busybox' }];
const taskRun = (namespace: string, name: string) =>
  client.create(taskRuns, { metadata: { name, namespace }, spec: { taskSpec: { steps } } });

/** As a reconciler, or the controller of a custom task, writes it. */
async function put<T extends KubeObject>(resource: Resource<T>, run: T, status: string, reason: string): Promise<T> {
  const lastTransitionTime = new Date().toISOString();
  const conditions = [{ type: 'Succeeded', status, reason, message: '', lastTransitionTime }];
  const end = status === 'Unknown' ? {} : { completionTime: lastTransitionTime };
  return client.replaceStatus(resource, { ...run, status: { conditions, ...end } });
}

it(
  'a receiver that was away gets every event that waited, and the run says that it was',
  { timeout: 120_000 },
  async () => {
    const namespace = await newNamespace(client, 'away');
    const stop = await replica();
    let receiver: Receiver | undefined;
    try {
      const started = await put(taskRuns, await taskRun(namespace, 'a'), 'Unknown', 'Started');
      await put(taskRuns, started, 'True', 'Succeeded');
      const resource = pipelineRuns;
      const pipelineSpec = { tasks: [{ name: 'a', taskSpec: { steps } }] };
      const run = await client.create(resource, { metadata: { name: 'p', namespace }, spec: { pipelineSpec } });
      await put(resource, run, 'False', 'Failed');
      const customRef = { apiVersion: 'example.dev/v1', kind: 'Wait' };
      const custom = await client.create(customRunResource, {
        metadata: { name: 'c', namespace },
        spec: { customRef },
      });
      await put(customRunResource, custom, 'Unknown', 'Waits');
      const reasons = async () => (await client.list(events, { namespace })).items.map(({ reason }) => reason);
      await expect.poll(reasons, { timeout: 30_000, interval: 250 }).toContain('CloudEventFailed');
      receiver = await receive();
      const { received } = receiver;
      const types = () => received.map(({ type }) => type).sort();
      await expect
        .poll(types, { timeout: 60_000, interval: 250 })
        .toEqual([
          'customrun.running.v1',
          'customrun.started.v1',
          'pipelinerun.failed.v1',
          'pipelinerun.queued.v1',
          'taskrun.queued.v1',
          'taskrun.started.v1',
          'taskrun.successful.v1',
        ]);
      const end = received.find(({ type }) => type === 'taskrun.successful.v1');
      expect(end?.source).toBe(`/apis/tekton.dev/v1/namespaces/${namespace}/TaskRun/a`);
      expect(end?.data['taskRun']).toMatchObject({
        apiVersion: 'tekton.dev/v1beta1',
        kind: 'TaskRun',
        metadata: { name: 'a', namespace },
        spec: { taskSpec: { steps } },
        status: { conditions: [{ type: 'Succeeded', status: 'True' }] },
      });
      const ofTaskRun = received.flatMap(({ type }) => (type.startsWith('taskrun') ? [type.split('.')[1]] : []));
      expect(ofTaskRun).toEqual(['queued', 'started', 'successful']);
      await expect.poll(reasons, { timeout: 30_000, interval: 250 }).toContain('CloudEventSent');
    } finally {
      await stop();
      await receiver?.close();
    }
  },
);

it('what a process that dies did not send the next one does', { timeout: 120_000 }, async () => {
  const namespace = await newNamespace(client, 'killed');
  const first = await replica();
  await put(taskRuns, await taskRun(namespace, 'a'), 'False', 'StepFailed');
  await first();
  const receiver = await receive();
  const second = await replica();
  try {
    const mine = () => receiver.received.filter(({ source }) => source.includes(`/${namespace}/`));
    await expect.poll(() => mine().map(({ type }) => type), { timeout: 30_000 }).toEqual(['taskrun.failed.v1']);
  } finally {
    await second();
    await receiver.close();
  }
});

it('a slow receiver gets all of them, few at a time', { timeout: 120_000 }, async () => {
  const namespace = await newNamespace(client, 'slow');
  const receiver = await receive(200);
  const stop = await replica();
  try {
    const names = Array.from({ length: 40 }, (_, index) => `r${index}`);
    await Promise.all(names.map(async (name) => put(taskRuns, await taskRun(namespace, name), 'True', 'Succeeded')));
    const ends = () =>
      receiver.received.filter(
        ({ type, source }) => type === 'taskrun.successful.v1' && source.includes(`/${namespace}/`),
      );
    await expect.poll(() => new Set(ends().map(({ id }) => id)).size, { timeout: 60_000 }).toBe(40);
    expect(receiver.peak).toBeLessThanOrEqual(24);
  } finally {
    await stop();
    await receiver.close();
  }
});
