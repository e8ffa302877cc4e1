import { describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { container, terminationMessage } from '../pod/pod.fake.ts';
import type { ContainerStatus } from '../pod/types.ts';
import { begun, plan, type Given } from './given.fake.ts';

const { running, ended, waiting } = container;
const taskSpec: TaskSpec = ['one', 'two'].reduce<TaskSpec>(
  ({ steps = [] }, name) => ({ steps: [...steps, { name, image: 'x', command: ['y'] }] }),
  {},
);
/** Steps end at 00:00:05. */
const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000);
const given = (containerStatuses: ContainerStatus[], more: Given = {}): Given =>
  begun({ phase: 'Running', containerStatuses }, { taskSpec, reason: 'Running', ...more });

const killed = ended('step-one', 137, undefined, 'OOMKilled');
const refused = ended('step-one', 128, 'runc create failed: not a directory', 'StartError');
const goesOn = 'Unknown Running: Not all Steps in the Task have finished executing';

describe('a step that ended and could not say so to the next', () => {
  it.each<[string, Given, string]>([
    [
      'it was killed',
      given([killed, running('step-two')]),
      'False StepOOM: "step-one" exited with code 137: OOMKilled',
    ],
    [
      'it was killed before the next was there',
      given([killed, waiting('step-two')]),
      'False StepOOM: "step-one" exited with code 137: OOMKilled',
    ],
    [
      'its container could not start',
      given([refused, running('step-two')]),
      'False StepFailed: "step-one" exited with code 128: StartError: runc create failed: not a directory',
    ],
    [
      'it said why, and the next is about to skip',
      given([ended('step-one', 3, terminationMessage({})), running('step-two')]),
      goesOn,
    ],
    [
      'it said more than the kubelet keeps',
      given([ended('step-one', 3, '[{"key":"a","val'), running('step-two')]),
      goesOn,
    ],
    ['it succeeded', given([ended('step-one'), running('step-two')]), goesOn],
    [
      'somebody debugs it',
      given([killed, running('step-two')], {
        flags: { 'enable-api-fields': 'alpha' },
        spec: { debug: { breakpoints: { onFailure: 'enabled' } } },
      }),
      goesOn,
    ],
  ])('%s', (_name, facts, condition) => {
    const decision = plan(facts, at(20));
    expect(decision.condition).toBe(condition);
    expect(decision.kinds.includes('deletePod')).toBe(condition.startsWith('False'));
  });

  it('is given the time in which steps notice by themselves', () => {
    const early = plan(given([killed, running('step-two')]), at(7));
    expect(early).toMatchObject({ condition: goesOn, requeueAfterMs: 13_000 });
    expect(early.kinds).not.toContain('deletePod');
  });

  it('is tried again where the run may be, and its last lines are told where they may be', () => {
    const facts = given([killed, running('step-two')], {
      spec: { retries: 1 },
      flags: { 'failed-step-log-lines': '5' },
      log: 'no room\n',
    });
    const { status } = plan(facts, at(20));
    expect(status.retriesStatus).toMatchObject([
      { conditions: [{ reason: 'StepOOM', message: expect.stringMatching(/: OOMKilled; .*\nno room$/s) as string }] },
    ]);
  });
});
