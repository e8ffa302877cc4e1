import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, events, pods, secrets } from '../../src/kube/resources.ts';
import { FakeMetricsReceiver } from '../../src/role/observability/receiver.fake.ts';
import { freePort } from '../free-port.ts';
import { LoadedController } from '../load/controller.ts';
import { loadPlane, makeNamespace } from '../load/plane.ts';
import type { ControlPlane } from './kube-control-plane.ts';
import { GrpcTraceReceiver, TraceReceiver } from './trace-receiver.ts';

/**
 * Spans, metrics, profiles and the log of the controller as a process, bundled as in its image, on a real API server;
 * spans and metrics go to receivers over HTTP and gRPC.
 */
const systemNamespace = 'tekton-pipelines';
const runs = pipelineRuns;
const tasks = taskRuns;
const taskSpec = { steps: [{ name: 's', image: 'example/image@sha256:' + 'a'.repeat(64), command: ['true'] }] };
const waiting = { timeout: 30_000, interval: 200 };

let plane: ControlPlane;
let client: KubeClient;
let controller: LoadedController;
let receiver: TraceReceiver;
let profilingPort = 0;
let namespace = '';

beforeAll(async () => {
  ({ plane, client } = await loadPlane(`tracing-${process.pid}`));
  receiver = await new TraceReceiver().listen();
  namespace = await makeNamespace(client, 'traced');
  await client.create(secrets, {
    metadata: { name: 'collector', namespace: systemNamespace },
    data: { username: btoa('tektite'), password: btoa('hunter2') },
  });
  await configure({ enabled: 'true', endpoint: receiver.endpoint, credentialsSecret: 'collector' });
  profilingPort = await freePort();
  const env = { PROFILING_PORT: String(profilingPort) };
  controller = await LoadedController.prepare({ kubeconfig: plane.kubeconfig, env });
  await controller.start();
}, 240_000);

afterAll(async () => {
  await controller?.end();
  await receiver?.close();
  await client?.close(true);
  await plane?.down();
}, 60_000);

function configure(data: Record<string, string>, name = 'config-tracing'): Promise<unknown> {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: systemNamespace },
    data,
  };
  return client.patch(configMaps, systemNamespace, name, {
    type: 'apply',
    fieldManager: 'test',
    force: true,
    body,
  });
}

/** No other name begins so: spans of a first try stay with the receiver. */
const unique = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;

const start = (name: string, annotations: Record<string, string> = {}) =>
  client.create(runs, {
    metadata: { name, namespace, annotations },
    spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec }] } },
  });

/** A run's pod was asked for. */
const podOf = async (run: string) =>
  (await client.list(pods, { namespace })).items.some(({ metadata }) => metadata.name === `${run}-a-pod`);

const spansOf = (name: string) =>
  receiver.spans.filter(({ attributes }) => Object.values(attributes).some((value) => value.startsWith(name)));

it('a run, its TaskRun and their pod are one trace, under names and annotations of upstream', async () => {
  const one = unique('one');
  await start(one);
  await expect.poll(() => podOf(one), waiting).toBe(true);
  const root = () => spansOf(one).find(({ name }) => name === 'PipelineRun:Reconciler');
  await expect.poll(root, waiting).toMatchObject({ tracer: 'PipelineRunReconciler', parent: '' });
  const inTrace = () => receiver.spans.filter(({ trace }) => trace === root()?.trace);
  await expect
    .poll(() => new Set(inTrace().map(({ tracer, name }) => `${tracer} ${name}`)), waiting)
    .toEqual(
      new Set([
        'PipelineRunReconciler PipelineRun:Reconciler',
        'PipelineRunReconciler PipelineRun:ReconcileKind',
        'PipelineRunReconciler resolvePipelineState',
        'PipelineRunReconciler updateLabelsAndAnnotations',
        'PipelineRunReconciler createTaskRun',
        'PipelineRunReconciler finishReconcileUpdateEmitEvents',
        'TaskRunReconciler TaskRun:ReconcileKind',
        'TaskRunReconciler prepare',
        'TaskRunReconciler createPod',
        'TaskRunReconciler finishReconcileUpdateEmitEvents',
      ]),
    );
  const ids = new Set(inTrace().map(({ id }) => id));
  expect(inTrace().filter(({ parent }) => parent !== '' && !ids.has(parent))).toEqual([]);
  expect(inTrace().filter(({ failed }) => failed)).toEqual([]);
  const [run, taskRun] = await Promise.all([
    client.get(runs, namespace, one),
    client.get(tasks, namespace, `${one}-a`),
  ]);
  expect(run.status?.spanContext).toEqual({ traceparent: `00-${root()?.trace}-${root()?.id}-01` });
  const created = inTrace().find(({ name }) => name === 'createTaskRun');
  const carrier = { traceparent: `00-${created?.trace}-${created?.id}-01` };
  expect(JSON.parse(taskRun.metadata.annotations?.['tekton.dev/taskrunSpanContext'] ?? '')).toEqual(carrier);
  expect(taskRun.status?.spanContext).toEqual(carrier);
  expect(receiver.requests.at(-1)).toEqual({
    path: '/v1/traces',
    type: 'application/x-protobuf',
    authorization: `Basic ${btoa('tektite:hunter2')}`,
  });
}, 120_000);

it('a run goes on in the trace that its annotation names', async () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
  const given = unique('given');
  await start(given, { 'tekton.dev/pipelinerunSpanContext': JSON.stringify({ traceparent }) });
  await expect.poll(() => spansOf(`${given}-a`).length, waiting).toBeGreaterThan(0);
  expect(new Set(spansOf(given).map((span) => span.trace))).toEqual(new Set([trace]));
  expect((await client.get(runs, namespace, given)).status?.spanContext).toEqual({ traceparent });
}, 60_000);

it('a receiver that says nothing holds up no run, and is told of on the ConfigMap', async () => {
  const silent = await new TraceReceiver().listen();
  silent.mute = true;
  try {
    await configure({ enabled: 'true', endpoint: silent.endpoint });
    for (const name of ['held-1', 'held-2', 'held-3']) {
      await start(name);
      await expect.poll(() => podOf(name), waiting).toBe(true);
    }
    const told = async () =>
      (await client.list(events, { namespace: systemNamespace })).items
        .filter(({ reason }) => reason === 'TracesNotSent')
        .map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`);
    await expect
      .poll(told, waiting)
      .toContainEqual(expect.stringContaining(`config-tracing: spans are lost, since ${silent.endpoint}`));
  } finally {
    await silent.close();
  }
}, 120_000);

it.each(['grpc', 'http/protobuf'] as const)(
  'metrics are sent over %s while the settings say so',
  async (protocol) => {
    const collector = await new FakeMetricsReceiver().listen();
    const isServed = () => controller.metrics().then(Boolean, () => false);
    try {
      const endpoint = collector.endpoint(protocol);
      const push = { 'metrics-protocol': protocol, 'metrics-endpoint': endpoint, 'metrics-export-interval': '1s' };
      await configure({ ...push, 'metrics.running-pipelinerun.level': 'namespace' }, 'config-observability');
      const sent = (name: string) => collector.sendings.at(-1)?.metrics.find((metric) => metric.name === name);
      await expect
        .poll(() => sent('tekton_pipelines_controller_running_pipelineruns'), waiting)
        .toMatchObject({
          scope: 'tekton_pipelines_controller',
          kind: 'gauge',
          points: expect.arrayContaining([
            { attributes: { namespace }, value: expect.any(Number) as number },
          ]) as unknown,
        });
      expect(collector.sendings.at(-1)?.resource).toMatchObject({
        'service.name': 'tekton-pipelines-controller',
        'service.instance.id': 'load',
      });
      expect(sent('kn_workqueue_adds_total')?.kind).toBe('sum');
      expect(await isServed()).toBe(false);
      await configure({}, 'config-observability');
      await expect.poll(isServed, waiting).toBe(true);
    } finally {
      await collector.close();
    }
  },
  60_000,
);

it('profiles and the level of the log are as the settings say now', async () => {
  const index = () =>
    fetch(`http://127.0.0.1:${profilingPort}/debug/pprof/`).then(
      ({ status }) => status,
      () => 'nobody listens',
    );
  expect(await index()).toBe('nobody listens');
  await configure({ 'runtime-profiling': 'enabled' }, 'config-observability');
  await expect.poll(index, waiting).toBe(200);
  const profile = await fetch(`http://127.0.0.1:${profilingPort}/debug/pprof/profile?seconds=1`);
  expect(await profile.json()).toHaveProperty('nodes.0.callFrame');
  await configure({}, 'config-observability');
  await expect.poll(index, waiting).toBe('nobody listens');

  expect(controller.log).not.toContain('"severity":"debug"');
  await configure({ 'loglevel.controller': 'debug' }, 'config-logging');
  await expect.poll(() => controller.log, waiting).toContain("the log's level is debug from now on");
  await configure({}, 'config-logging');
  await expect.poll(() => controller.log, waiting).toContain("the log's level is warn from now on");
}, 60_000);

it('the tracing keys of config-observability send them over gRPC', async () => {
  const collector = await new GrpcTraceReceiver().listen();
  try {
    await configure({});
    const tracing = { 'tracing-protocol': 'grpc', 'tracing-endpoint': collector.endpoint };
    await configure(tracing, 'config-observability');
    let runs = 0;
    // A run that comes before the exporter is open is not recorded.
    const names = async () => {
      await start(`by-grpc-${++runs}`);
      return collector.spans.map(({ tracer, name }) => `${tracer} ${name}`);
    };
    const expected = ['PipelineRunReconciler PipelineRun:ReconcileKind', 'TaskRunReconciler createPod'];
    await expect.poll(names, { timeout: 30_000, interval: 1_000 }).toEqual(expect.arrayContaining(expected));
  } finally {
    await configure({}, 'config-observability');
    collector.close();
  }
}, 60_000);

it('switched off, nothing is recorded any more', async () => {
  await configure({ enabled: 'false', endpoint: receiver.endpoint });
  await start('off-1');
  await expect.poll(() => podOf('off-1'), waiting).toBe(true);
  const before = receiver.spans.length;
  await start('off-2');
  await expect.poll(() => podOf('off-2'), waiting).toBe(true);
  expect((await client.get(runs, namespace, 'off-2')).status?.spanContext).toBeUndefined();
  expect(receiver.spans.length).toBe(before);
}, 60_000);
