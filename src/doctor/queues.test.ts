import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { QueueMetricsRegistry } from '../role/queue-metrics.ts';
import { queueFindings, queuesOf } from './queues.ts';

const of = (text: string) => queuesOf({ namespace: 'n', pod: 'p', text });
const longest = (name: string, seconds: number) =>
  `kn_workqueue_longest_running_processor_seconds{name="${name}"} ${seconds}`;

describe('work queues', () => {
  it('are read from what the roles say of themselves', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ otel_scope_name: 'x' });
    const metrics = new QueueMetricsRegistry(registry);
    metrics.metrics('TaskRun').depth(7);
    metrics.metrics('PipelineRun').depth(0);
    expect(of(await registry.metrics())).toEqual([
      { namespace: 'n', pod: 'p', name: 'TaskRun', depth: 7, longestSeconds: 0 },
      { namespace: 'n', pod: 'p', name: 'PipelineRun', depth: 0, longestSeconds: 0 },
    ]);
  });

  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['a page of a proxy', '<html>kn_workqueue_depth{name="a"} 1</html>', []],
    ['no number', 'kn_workqueue_depth{name="a"} many', []],
    ['time alone', longest('a', 12.5), ['a 0 12.5']],
    ['both', `kn_workqueue_depth{name="a"} 2\n${longest('a', 1e-3)}`, ['a 2 0.001']],
    [
      'hundreds',
      Array.from({ length: 90 }, (_, at) => `kn_workqueue_depth{name="${at}"} 1`).join('\n'),
      Array.from({ length: 50 }, (_, at) => `${at} 1 0`),
    ],
  ])('of %s', (_name, text, expected) => {
    expect(of(text).map(({ name, depth, longestSeconds }) => `${name} ${depth} ${longestSeconds}`)).toEqual(expected);
  });
});

describe('what is wrong about them', () => {
  it.each<[string, string, string[]]>([
    ['nothing', 'kn_workqueue_depth{name="a"} 500', []],
    ['they are long', 'kn_workqueue_depth{name="a"} 501', ['501 keys wait in it']],
    ['work does not end', longest('a', 301.2), ['work on one key has taken 301 s and is not over']],
  ])('%s', (_name, text, expected) => {
    expect(queueFindings(of(text)).map((found) => found.text)).toEqual(expected);
  });
});
