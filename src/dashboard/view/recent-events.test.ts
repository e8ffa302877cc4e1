import { expect, it } from 'vitest';
import type { RunSummary } from '../contract.ts';
import { eventsQuery, recentEvents } from './recent-events.ts';

const run = (uid: string, second: number, event?: string) =>
  ({
    uid,
    created: `2026-01-01T00:00:0${second}Z`,
    labels: {
      'triggers.tekton.dev/trigger': `on-${uid}`,
      ...(event && { 'triggers.tekton.dev/triggers-eventid': event }),
    },
  }) as unknown as RunSummary;

it('runs of one event are together, events newest first', () => {
  const events = recentEvents([run('d', 4), run('c', 3, 'x'), run('b', 2, 'y'), run('a', 1, 'x')]);
  expect(events.map(({ id, time, runs }) => [id, time.slice(-3), runs.map(({ trigger }) => trigger)])).toEqual([
    ['', '04Z', ['on-d']],
    ['y', '02Z', ['on-b']],
    ['x', '01Z', ['on-c', 'on-a']],
  ]);
});

it.each([
  ['github', 'ns=ci&label=triggers.tekton.dev%2Feventlistener%3Dgithub'],
  ['x'.repeat(64), undefined],
])('the runs of listener %.10s are asked for by label', (name, query) => {
  expect(eventsQuery('ci', name)).toBe(query);
});
