import { describe, expect, it } from 'vitest';
import { parsePruner } from '../../api/config/config-pruner.ts';
import { policyOf } from './schedule.ts';

const prune = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`operator.tekton.dev/prune.${key}`, value]));
const policy = (data: Record<string, string>, annotations: Record<string, string>) =>
  policyOf(parsePruner(data).pruner, prune(annotations));
const daily = { schedule: '0 8 * * *' };

describe('policyOf', () => {
  it.each<[string, Record<string, string>, Record<string, string>, object | undefined]>([
    ['nothing is set', {}, {}, undefined],
    [
      'a schedule alone',
      daily,
      {},
      { resources: ['pipelinerun'], kept: { kind: 'keep', runs: 100 }, perResource: false },
    ],
    ['it is switched off', { ...daily, disabled: 'true' }, {}, undefined],
    ['a namespace that is left out', daily, { skip: ' True ' }, undefined],
    ['a schedule of the namespace alone', {}, { schedule: '*/5 * * * *' }, { schedule: '*/5 * * * *' }],
    ['other resources', daily, { resources: 'PR, taskruns' }, { resources: ['pipelinerun', 'taskrun'] }],
    ['a number', daily, { keep: '7' }, { kept: { kind: 'keep', runs: 7 } }],
    ['a time', daily, { 'keep-since': '60' }, { kept: { kind: 'since', minutes: 60 } }],
    ['a time for all', { ...daily, 'keep-since': '30' }, {}, { kept: { kind: 'since', minutes: 30 } }],
    [
      'both, and which',
      daily,
      { keep: '1', 'keep-since': '2', strategy: 'keep-since' },
      { kept: { kind: 'since', minutes: 2 } },
    ],
    ['each Pipeline by itself', daily, { 'prune-per-resource': 'true' }, { perResource: true }],
    ['keep 0: passed over', daily, { keep: '0' }, undefined],
  ])('%s', (_name, data, annotations, wanted) => {
    const read = policy(data, annotations);
    if (wanted === undefined) expect(read).toEqual({ kind: 'none' });
    else expect(read).toMatchObject({ kind: 'policy', policy: wanted });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a number that is none', { keep: 'many' }, /prune\.keep is "many"; use a whole number below/],
    ['a number too large', { keep: '99999999999999999999' }, /prune\.keep is/],
    ['a negative number', { keep: '-1' }, /prune\.keep is "-1"/],
    ['a kind that is none', { resources: 'pods' }, /prune\.resources is "pods"; use pipelinerun, taskrun/],
    ['a schedule that is none', { schedule: 'often' }, /prune\.schedule is "often"; use a cron schedule with five/],
    ['seconds in a schedule', { schedule: '* * * * * *' }, /prune\.schedule/],
    ['a day that never comes', { schedule: '0 0 31 2 *' }, /prune\.schedule/],
    ['a value of a megabyte', { schedule: '1,'.repeat(500_000) }, /prune\.schedule is "(1,){128}"/],
    ['both ways', { keep: '1', 'keep-since': '2' }, /are both set/],
    ['a strategy without its value', { strategy: 'keep-since' }, /there are no minutes: set/],
    ['a word for yes', { skip: 'yes' }, /prune\.skip is "yes"; use "true" or "false"/],
  ])('deletes nothing for %s', (_name, annotations, problem) => {
    const read = policy(daily, annotations);
    expect(read.kind).toBe('invalid');
    if (read.kind === 'invalid') expect(read.problems.join('\n')).toMatch(problem);
  });
});
