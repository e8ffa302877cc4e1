import { describe, expect, it } from 'vitest';
import { affinityOf } from './affinity.ts';
import { taskRunOf } from './pod.fake.ts';

const runOf = (affinity?: Record<string, unknown>) => taskRunOf(affinity ? { podTemplate: { affinity } } : {});
const here = { key: 'metadata.name', operator: 'In', values: ['n1'] };
const disk = (value: string) => ({ matchExpressions: [{ key: 'disk', operator: 'In', values: [value] }] });
const required = (...nodeSelectorTerms: object[]) => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
});
const preferred = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: disk('ssd') }] };

describe('the affinity of a pod whose group was on a node', () => {
  it.each<[string, Record<string, unknown> | undefined, object]>([
    ['that node alone', undefined, { nodeAffinity: required({ matchFields: [here] }) }],
    [
      'beside what the template asks of other pods, and would like of nodes',
      { podAffinity: { x: 1 }, nodeAffinity: preferred },
      { podAffinity: { x: 1 }, nodeAffinity: { ...preferred, ...required({ matchFields: [here] }) } },
    ],
    [
      'in each of the alternatives that the template names',
      { nodeAffinity: required(disk('ssd'), { matchFields: [{ key: 'metadata.name' }] }) },
      {
        nodeAffinity: required(
          { ...disk('ssd'), matchFields: [here] },
          { matchFields: [{ key: 'metadata.name' }, here] },
        ),
      },
    ],
  ])('%s', (_name, own, affinity) => {
    expect(affinityOf({ taskRun: runOf(own), groupNode: 'n1' })).toEqual(affinity);
  });

  it('is what the template says where no pod of it was anywhere', () => {
    expect(affinityOf({ taskRun: runOf() })).toBeUndefined();
    expect(affinityOf({ taskRun: runOf({ nodeAffinity: preferred }) })).toEqual({ nodeAffinity: preferred });
  });
});
