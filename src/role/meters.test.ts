import { Counter, Gauge } from 'prom-client';
import { expect, it } from 'vitest';
import { Meters } from './meters.ts';

it('every series but those of the process itself says which meter it is of', async () => {
  const meters = new Meters('tekton_chains');
  new Counter({ name: 'signed_total', help: 'h', labelNames: ['kind'], registers: [meters.role] }).inc({
    kind: 'taskrun',
  });
  new Gauge({ name: 'depth', help: 'h', registers: [meters.infrastructure] }).set(2);
  new Gauge({ name: 'memory', help: 'h', registers: [meters.process] }).set(3);
  expect((await meters.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'signed_total{kind="taskrun",otel_scope_name="tekton_chains"} 1',
    'depth{otel_scope_name="knative.dev/pkg/observability/metrics/k8s"} 2',
    'memory 3',
  ]);
});

it('a collector that fails fails the whole text', async () => {
  const meters = new Meters('m');
  new Gauge({
    name: 'g',
    help: 'h',
    registers: [meters.role],
    collect: () => {
      throw new Error('no cache');
    },
  });
  await expect(meters.text()).rejects.toThrow('no cache');
});
