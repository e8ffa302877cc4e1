import { describe, expect, it } from 'vitest';
import { container } from '../pod/pod.fake.ts';
import type { ContainerLog, ContainerLogNeed, Need } from '../need.ts';
import { begun, factsOf, now, plan } from './given.fake.ts';
import { planTaskRun } from './plan.ts';
import type { PodStatus } from '../pod/types.ts';

const { ended } = container;
const flags = { 'failed-step-log-lines': '3' };
const failed: PodStatus = { phase: 'Failed', containerStatuses: [ended('step-one', 2)] };
const told = '"step-one" exited with code 2: Error';
const read = (text: string, isCut = false): ContainerLog => ({ kind: 'read', text, isCut });
const unreadable: ContainerLog = { kind: 'unreadable', message: 'pods "run-pod" is forbidden', retryable: false };

describe('the last lines of a failed step', () => {
  it.each<[string, ContainerLog, string]>([
    ['are in the condition', read('a\nb\n'), `${told}; the last lines of its log:\na\nb`],
    ['an empty log', read('\n'), `${told}; its log is empty`],
    [
      'without what would act on a terminal',
      read('\u001b[31mred\u001b[0m\tx\r\n\u0007\u009bz'),
      `${told}; the last lines of its log:\nred\tx\nz`,
    ],
    [
      'a long line: its end',
      read(`${'x'.repeat(5_000)}end`),
      `${told}; the last lines of its log:\n...${'x'.repeat(2_045)}end`,
    ],
    [
      'lines that are not read to their end',
      read('begin', true),
      `${told}; the last lines of its log, as far as it was read:\n...begin`,
    ],
    [
      'half of a character is none',
      read(`x${'😀'.repeat(1_024)}y`),
      `${told}; the last lines of its log:\n...\ufffd${'😀'.repeat(1_023)}y`,
    ],
    [
      'that cannot be read: the run has ended all the same',
      unreadable,
      `${told}; its log could not be read: pods "run-pod" is forbidden (the chart's rbac.podLogs gives the right to)`,
    ],
  ])('%s', (_name, log, message) => {
    expect(plan(begun(failed, { flags, log })).condition).toBe(`False StepFailed: ${message}`);
  });

  it.each<[string, PodStatus, Record<string, string>]>([
    ['without the flag', failed, {}],
    ['of a run that succeeded', { phase: 'Succeeded', containerStatuses: [ended('step-one')] }, flags],
    ['of a pod of which no container failed', { phase: 'Failed', reason: 'Evicted', message: 'disk' }, flags],
  ])('are not asked for %s', (_name, status, given) => {
    expect(needs(status, given)).toEqual([]);
  });

  it('are asked of the container of the very pod, bounded', () => {
    const [need] = needs(failed, flags);
    expect(need).toMatchObject({ container: 'step-one', pod: 'run-pod', lastLines: 3, limit: 262_144 });
  });
});

/** What the plan asks to read of logs, up to the first such question. */
function needs(status: PodStatus, given: Record<string, string>): ContainerLogNeed[] {
  const planning = planTaskRun(factsOf(begun(status, { flags: given })), now);
  const { value } = planning.next();
  return (Array.isArray(value) ? (value as Need[]) : []).filter((need) => need.type === 'containerLog');
}
