import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../contract.ts';
import { bulkBody, bulkPlan, bulkScopes, bulkSentence, type BulkRun } from './bulk.ts';

const run = (name: string, status: RunStatus = 'running', more: Partial<BulkRun> = {}): BulkRun => ({
  kind: 'PipelineRun',
  namespace: 'n',
  name,
  uid: `uid-${name}`,
  status,
  ...more,
});

describe('what is planned for many runs', () => {
  const runs = [
    run('going'),
    run('over', 'failed'),
    run('waits', 'queued'),
    run('task', 'running', { kind: 'TaskRun' }),
    run('theirs', 'running', { namespace: 'other' }),
  ];
  const mayOwn = (_verb: string, { kind, namespace }: Pick<BulkRun, 'kind' | 'namespace'>) =>
    kind === 'PipelineRun' && namespace === 'n';

  it.each([
    [
      'cancel',
      ['going', 'waits'],
      [
        'over: it is over already',
        'task: you may not patch TaskRuns in n',
        'theirs: you may not patch PipelineRuns in other',
      ],
    ],
    [
      'delete',
      ['going', 'over', 'waits'],
      ['task: you may not delete TaskRuns in n', 'theirs: you may not delete PipelineRuns in other'],
    ],
  ] as const)('to %s', (action, names, left) => {
    const plan = bulkPlan(action, runs, mayOwn);
    expect(plan.runs.map(({ name }) => name)).toEqual(names);
    expect(plan.left.map((each) => `${each.run.name}: ${each.problem}`)).toEqual(left);
  });

  it('nothing without rights', () => {
    expect(bulkPlan('delete', runs, () => false).runs).toEqual([]);
  });

  it('rights are asked for once for each kind and namespace', () => {
    expect(bulkScopes(runs)).toEqual([
      { kind: 'PipelineRun', namespace: 'n' },
      { kind: 'TaskRun', namespace: 'n' },
      { kind: 'PipelineRun', namespace: 'other' },
    ]);
  });
});

it.each([
  ['cancel', run('a'), { metadata: { uid: 'uid-a' }, spec: { status: 'Cancelled' } }],
  [
    'cancel',
    run('a', 'running', { kind: 'TaskRun' }),
    { metadata: { uid: 'uid-a' }, spec: { status: 'TaskRunCancelled' } },
  ],
  ['delete', run('a'), { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'uid-a' } }],
] as const)('to %s one asks for that run alone', (action, of, body) => {
  expect(bulkBody(action, of)).toEqual(body);
});

it.each([
  ['cancel', 1, 0, '1 run cancelled'],
  ['delete', 12, 2, '12 runs deleted, 2 not'],
  ['delete', 0, 1, '0 runs deleted, 1 not'],
] as const)('what became of them: %s, %d done, %d not', (action, well, failed, text) => {
  const outcomes = [
    ...Array.from({ length: well }, () => ({ run: run('a') })),
    ...Array.from({ length: failed }, () => ({ run: run('b'), problem: 'refused' })),
  ];
  expect(bulkSentence(action, outcomes)).toBe(text);
});
