import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseObservability } from '../src/api/config/config-observability.ts';
import { createSigningMetrics } from '../src/chains/role/metrics.ts';
import { PipelineRunMetrics, registerRunningPipelineRuns } from '../src/controller/metrics/pipeline-run.ts';
import { TaskRunMetrics, registerRunningTaskRuns } from '../src/controller/metrics/task-run.ts';
import { PruningMetrics } from '../src/controller/pruning/metrics.ts';
import { ClientMetrics } from '../src/role/client-metrics.ts';
import { eventCounter } from '../src/role/event-metrics.ts';
import { QueueMetricsRegistry } from '../src/role/queue-metrics.ts';
import { answerCounter } from '../src/webhook/answer-metrics.ts';

/** Alert rules and the dashboard ask for series that are there, by labels that these have. */
const chart = path.resolve(import.meta.dirname, '../config/chart/files');
const rules = parse(readFileSync(path.join(chart, 'alerts.yaml'), 'utf8')) as {
  groups: { name: string; rules: Rule[] }[];
};
interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}
const dashboard = JSON.parse(readFileSync(path.join(chart, 'dashboard.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
};

/** Label names by series, of every role. */
function series(): Map<string, Set<string>> {
  const registry = new Registry();
  const { metrics } = parseObservability(undefined).observability;
  new TaskRunMetrics(registry, metrics);
  new PipelineRunMetrics(registry, metrics);
  registerRunningTaskRuns(registry, () => [], metrics);
  registerRunningPipelineRuns(registry, () => [], metrics);
  new PruningMetrics(registry);
  createSigningMetrics(registry);
  new QueueMetricsRegistry(registry);
  new ClientMetrics(registry, new URL('https://example.com'));
  eventCounter(registry, 'tekton_pipelines_controller_');
  answerCounter(registry);
  const found = new Map<string, Set<string>>();
  for (const metric of registry.getMetricsAsArray() as unknown as {
    name: string;
    labelNames: string[];
    type: string;
  }[]) {
    found.set(metric.name, new Set(metric.labelNames));
    for (const part of ['bucket', 'sum', 'count'])
      found.set(`${metric.name}_${part}`, new Set([...metric.labelNames, 'le']));
  }
  return found;
}

interface Read {
  errors: number;
  /** Series with the labels that are asked for. */
  asked: { metric: string; labels: string[] }[];
  grouped: string[];
}
function read(expr: string): Read {
  const result: Read = { errors: 0, asked: [], grouped: [] };
  const text = (from: number, to: number) => expr.slice(from, to);
  parser.parse(expr).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) result.errors += 1;
      if (type.name === 'VectorSelector') {
        const name = node.getChild('Identifier');
        const labels = [...text(from, to).matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
        result.asked.push({ metric: name ? text(name.from, name.to) : '', labels });
      }
      if (type.name === 'GroupingLabels')
        result.grouped.push(
          ...text(from, to)
            .replace(/[()\s]/g, '')
            .split(','),
        );
    },
  });
  return result;
}

const known = series();
const expressions = [
  ...rules.groups.flatMap(({ rules: all }) => all.map(({ alert, expr }) => ({ name: `alert ${alert}`, expr }))),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({ name: `panel ${title}: ${legendFormat}`, expr })),
  ),
];

describe('what is asked of Prometheus', () => {
  it.each(expressions)('$name', ({ expr }) => {
    const { errors, asked, grouped } = read(expr);
    expect(errors).toBe(0);
    expect(asked.length).toBeGreaterThan(0);
    for (const { metric, labels } of asked) {
      const has = known.get(metric);
      expect(has, metric).toBeDefined();
      expect([...labels, ...grouped].filter((label) => !has?.has(label))).toEqual([]);
    }
  });

  it('the check sees what is wrong', () => {
    expect(read('sum(rate(x[5m])').errors).toBeGreaterThan(0);
    expect(read('sum by (a) (rate(x{b="c"}[5m]))')).toEqual({
      errors: 0,
      asked: [{ metric: 'x', labels: ['b'] }],
      grouped: ['a'],
    });
  });
});

describe('alert rules', () => {
  const all = rules.groups.flatMap((group) => group.rules);
  it('have names of their own', () => expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length));
  it.each(all)('$alert says how bad it is and what to do', ({ labels, annotations, expr }) => {
    expect(['warning', 'critical']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/^[A-Z].{10,}/);
    const shown = [...annotations.description.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    expect(shown.filter((label) => !read(expr).grouped.includes(label))).toEqual([]);
  });
});
