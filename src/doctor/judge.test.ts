import { describe, expect, it } from 'vitest';
import { configMap, deployment, lease, now, observed } from './installation.fake.ts';
import { judge } from './judge.ts';
import type { Observed } from './observe.ts';

const wrong = configMap('feature-flags', { 'enable-api-fields': 'gamma' });
const unread = { what: 'Leases in a', right: 'list leases.coordination.k8s.io -n a', message: 'forbidden' };

describe('what there is to say of an installation', () => {
  it.each<[string, Partial<Observed>, string]>([
    ['that is well', {}, 'nothing is wrong with what was looked at'],
    [
      'that is well, as far as one may see',
      { unread: [unread] },
      'nothing is wrong with what was looked at; 1 thing could not be read',
    ],
    ['without a controller', { deployments: [] }, '1 problem'],
    [
      'whose Deployments may not be read',
      { deployments: [], read: new Set(), unread: [unread, unread] },
      'nothing is wrong with what was looked at; 2 things could not be read',
    ],
    [
      'with several things',
      {
        deployments: [deployment('tekton-pipelines-controller', { ready: 0 })],
        leases: [lease('c.q.00-of-01', { renewedAgo: 500 })],
        configMaps: [wrong],
      },
      '2 problems and 1 warning',
    ],
  ])('%s', (_name, more, verdict) => expect(judge(observed(more), now).verdict).toBe(verdict));

  it('has problems before warnings, and roles by their names', () => {
    const report = judge(
      observed({
        configMaps: [wrong],
        deployments: [deployment('tekton-pipelines-webhook', { ready: 0 }), deployment('tekton-pipelines-controller')],
        metrics: [{ namespace: 'n', pod: 'p', text: 'kn_workqueue_depth{name="TaskRun"} 3' }],
      }),
      now,
    );
    expect(report.findings.map(({ severity }) => severity)).toEqual(['problem', 'warning']);
    expect(report.roles.map(({ name }) => name)).toEqual(['tekton-pipelines-controller', 'tekton-pipelines-webhook']);
    expect(report).toMatchObject({
      readAt: now.toISOString(),
      kubernetes: 'v1.30.1',
      queues: [{ name: 'TaskRun', depth: 3 }],
      settings: [{ name: 'feature-flags', problems: 1 }],
    });
  });
});
