import { describe, expect, it } from 'vitest';
import { outcomeEvent, toldEventId, type ToldOutcome } from '../../api/triggers/outcome-event.ts';
import type { RunSummary } from '../contract.ts';
import { eventsQuery, recentEvents, toldSelector, toldWords, type KubeEvent } from './recent-events.ts';

const run = (uid: string, second: number, event?: string) =>
  ({
    uid,
    kind: 'PipelineRun',
    name: `run-${uid}`,
    created: `2026-01-01T00:00:0${second}Z`,
    labels: {
      'triggers.tekton.dev/trigger': `on-${uid}`,
      ...(event && { 'triggers.tekton.dev/triggers-eventid': event }),
    },
  }) as unknown as RunSummary;

const told = (outcome: Partial<ToldOutcome>, second: number, event?: string): KubeEvent => ({
  metadata: { uid: `k${second}`, ...(event && { annotations: { [toldEventId]: event } }) },
  ...outcomeEvent({ outcome: 'stopped', trigger: 'only-main', namespace: 'ci', text: 'no', ...outcome }),
  lastTimestamp: `2026-01-01T00:00:0${second}Z`,
});

describe('recent events', () => {
  it('have what each trigger made of them, newest first', () => {
    const kubeEvents = [told({ interceptor: 'cel' }, 5, 'y'), told({ outcome: 'failed', trigger: 'scan' }, 6)];
    const events = recentEvents([run('d', 4), run('c', 3, 'x'), run('b', 2, 'y'), run('a', 1, 'x')], kubeEvents);
    expect(
      events.map(({ id, time, runs, told: all }) => [
        id,
        time.slice(-3),
        ...runs.map(({ trigger }) => trigger),
        ...all.map(({ outcome, trigger }) => `${outcome} ${trigger}`),
      ]),
    ).toEqual([
      ['', '06Z', 'failed scan'],
      ['', '04Z', 'on-d'],
      ['y', '02Z', 'on-b', 'stopped only-main'],
      ['x', '01Z', 'on-c', 'on-a'],
    ]);
  });

  it('say once what was created: runs as runs, other objects by name', () => {
    const created = (text: string, second: number) => told({ outcome: 'created', text }, second, 'x');
    const kubeEvents = [created('PipelineRun run-a', 1), created('PipelineRun run-a, ConfigMap about-it', 2)];
    const [event] = recentEvents([run('a', 1, 'x')], kubeEvents);
    expect(event?.told.map(({ text }) => text)).toEqual(['ConfigMap about-it']);
    // A run that was deleted since is told of.
    expect(recentEvents([], kubeEvents)[0]?.told[0]?.text).toBe('PipelineRun run-a');
  });

  it('are not made of other Kubernetes events', () => {
    const other = { metadata: { uid: 'u' }, reason: 'Updated', message: 'trigger ci/x: y' };
    expect(recentEvents([], [other, { metadata: {} }])).toEqual([]);
  });

  it('count what became of many', () => {
    const many = { ...told({}, 3), count: 12, lastTimestamp: null };
    many.metadata.creationTimestamp = '2026-01-01T00:00:00Z';
    expect(recentEvents([], [many])).toMatchObject([{ time: '2026-01-01T00:00:00Z', told: [{ count: 12 }] }]);
  });
});

it.each<[told: Partial<ToldOutcome>, words: string]>([
  [{ outcome: 'created', text: 'ConfigMap a' }, 'created ConfigMap a'],
  [{ outcome: 'created', text: '' }, 'created nothing'],
  [{ outcome: 'repeated', text: 'PipelineRun a is there' }, 'came again PipelineRun a is there'],
  [{ outcome: 'stopped', interceptor: 'cel', text: 'not main' }, 'filtered by cel: not main'],
  [{ outcome: 'stopped', text: '' }, 'filtered by an interceptor'],
  [{ outcome: 'failed', text: '$(body.x): x is not found' }, 'failed $(body.x): x is not found'],
  [{ outcome: 'failed', text: 'failed to replace it' }, 'failed to replace it'],
])('%j in words: %s', (outcome, words) => {
  const { word, why } = toldWords({ outcome: 'created', trigger: 't', namespace: 'ci', text: '', ...outcome });
  expect(`${word} ${why}`).toBe(words);
});

it.each([
  ['github', 'ns=ci&label=triggers.tekton.dev%2Feventlistener%3Dgithub'],
  ['x'.repeat(64), undefined],
])('the runs of listener %.10s are asked for by label', (name, query) => {
  expect(eventsQuery('ci', name)).toBe(query);
});

it('the Kubernetes events of a listener are asked for by what they are about', () => {
  expect(toldSelector('github')).toBe('involvedObject.kind=EventListener,involvedObject.name=github');
});
