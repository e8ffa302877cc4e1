import { Counter, Gauge, Histogram } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Meters } from '../meters.ts';
import { openSender } from './otlp.ts';
import { FakeMetricsReceiver } from './receiver.fake.ts';

let receiver: FakeMetricsReceiver;
beforeEach(async () => {
  receiver = await new FakeMetricsReceiver().listen();
});
afterEach(() => receiver.close());

const period = { startMs: 1_000, endMs: 61_500 };
const never = new AbortController().signal;

function measured(): Meters {
  const meters = new Meters('tekton_pipelines_controller');
  const { role, infrastructure, process } = meters;
  const total = new Counter({ name: 'taskrun_total', help: 'h', labelNames: ['status'], registers: [role] });
  total.inc({ status: 'success' }, 3);
  total.inc({ status: 'failed' });
  const seconds = new Histogram({
    name: 'd_seconds',
    help: 'h',
    labelNames: ['namespace'],
    buckets: [10, 30],
    registers: [role],
  });
  for (const [namespace, value] of [
    ['a', 5],
    ['a', 10],
    ['a', 20],
    ['b', 100],
  ] as const)
    seconds.observe({ namespace }, value);
  new Counter({ name: 'nothing_yet', help: 'h', labelNames: ['status'], registers: [role] });
  new Gauge({ name: 'depth', help: 'h', registers: [infrastructure] }).set(2);
  new Gauge({ name: 'process_resident_memory_bytes', help: 'h', registers: [process] }).set(7);
  return meters;
}

function sender(protocol: 'grpc' | 'http/protobuf', { path = '', env = {} } = {}) {
  const endpoint = `${receiver.endpoint(protocol)}${path}`;
  return openSender({ protocol, endpoint, certificates: [], env, attributes: { 'service.name': 'controller' } });
}

describe.each(['grpc', 'http/protobuf'] as const)('over %s', (protocol) => {
  it('what is measured arrives under its names, with what a bucket alone holds', async () => {
    const to = await sender(protocol, { env: { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret' } });
    await to.send(await measured().read(), period, never);
    await to.close();
    const scope = 'tekton_pipelines_controller';
    expect(receiver.sendings).toEqual([
      {
        resource: { 'service.name': 'controller' },
        headers: expect.objectContaining({ 'x-key': 'secret' }) as unknown,
        metrics: [
          {
            scope,
            name: 'taskrun_total',
            unit: '1',
            kind: 'sum',
            points: [
              { attributes: { status: 'success' }, value: 3 },
              { attributes: { status: 'failed' }, value: 1 },
            ],
          },
          {
            scope,
            name: 'd_seconds',
            unit: 's',
            kind: 'histogram',
            points: [
              {
                attributes: { namespace: 'a' },
                value: 35,
                buckets: [
                  [10, 30],
                  [2, 1, 0],
                ],
              },
              {
                attributes: { namespace: 'b' },
                value: 100,
                buckets: [
                  [10, 30],
                  [0, 0, 1],
                ],
              },
            ],
          },
          {
            scope: 'knative.dev/pkg/observability/metrics/k8s',
            name: 'depth',
            unit: '1',
            kind: 'gauge',
            points: [{ attributes: {}, value: 2 }],
          },
          {
            scope: 'tektite',
            name: 'process_resident_memory_bytes',
            unit: 'By',
            kind: 'gauge',
            points: [{ attributes: {}, value: 7 }],
          },
        ],
      },
    ]);
  });

  it('values that the receiver refuses are a failure', async () => {
    receiver.refuses = 2;
    const to = await sender(protocol);
    await expect(to.send(await measured().read(), period, never)).rejects.toThrow('it refused 2 values: too old');
    await to.close();
  });

  it('a receiver that is not there is a failure', async () => {
    const to = await sender(protocol);
    await receiver.close();
    await expect(to.send([], period, AbortSignal.timeout(1_000))).rejects.toThrow();
    await to.close();
    receiver = await new FakeMetricsReceiver().listen();
  });
});

it.each([
  ['none: the usual one', '', '/v1/metrics'],
  ['its own', '/otlp/v1/metrics', '/otlp/v1/metrics'],
])('the path over HTTP: %s', async (_name, path, wanted) => {
  const to = await sender('http/protobuf', { path });
  await to.send([], period, never);
  await to.close();
  expect(receiver.sendings[0]?.headers).toMatchObject({ path: wanted, 'content-type': 'application/x-protobuf' });
});

it('a refusal over HTTP is a failure', async () => {
  receiver.status = 401;
  const to = await sender('http/protobuf');
  await expect(to.send([], period, never)).rejects.toThrow('it answered 401');
  await to.close();
});
