import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../contract.ts';
import { queuesOf, type QueuedRun, type QueueQuestion } from './queues.ts';

const deploys = 'the queue of rule "deploys" (namespace=shop)';

function waiting(name: string, second: number, more: Partial<QueuedRun> = {}): QueuedRun {
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    startedBy: {},
    created: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`,
    priority: 0,
    waiting: { queue: deploys, standing: { place: 1, of: 3, limit: 1, running: ['now'], moreRunning: 0 } },
    ...more,
  };
}

const lost = (problem: string): QueuedRun['waiting'] => ({ queue: deploys, standing: undefined, problem });
const everything: QueueQuestion = { isAsked: () => true, statusOf: (): RunStatus => 'running' };
/** `place name<behind` of each queue. */
const lines = (runs: readonly QueuedRun[], question = everything) =>
  queuesOf(runs, question).queues.map(({ runs: line }) =>
    line.map(({ place, name, behind = 'nobody' }) => `${place} ${name}<${behind}`),
  );

describe('the order of a queue', () => {
  it.each<[string, QueuedRun[], string[][]]>([
    ['first come, first served', [waiting('b', 2), waiting('a', 1)], [['1 a<nobody', '2 b<a']]],
    ['a name decides between two of one second', [waiting('b', 1), waiting('a', 1)], [['1 a<nobody', '2 b<a']]],
    ['the higher priority first', [waiting('a', 1), waiting('b', 2, { priority: 5 })], [['1 b<nobody', '2 a<b']]],
    [
      'whose place could not be found out stands where it will be looked for',
      [waiting('a', 1), waiting('b', 2, { waiting: lost('no right') }), waiting('c', 3)],
      [['1 a<nobody', '2 b<a', '3 c<b']],
    ],
    [
      'a queue each for keys and namespaces, the longest first',
      [
        waiting('a', 1),
        waiting('x', 1, { namespace: 'other' }),
        waiting('m', 1, { waiting: { queue: 'another', standing: undefined } }),
        waiting('n', 2, { waiting: { queue: 'another', standing: undefined } }),
      ],
      [['1 m<nobody', '2 n<m'], ['1 x<nobody'], ['1 a<nobody']],
    ],
    ['nobody waits', [], []],
  ])('%s', (_name, runs, expected) => expect(lines(runs)).toEqual(expected));

  it('is the same whatever is asked for: who is not asked for is left out, and keeps its place', () => {
    const runs = [waiting('a', 1), waiting('b', 2), waiting('c', 3, { namespace: 'other' })];
    const question = { ...everything, isAsked: ({ name }: QueuedRun) => name === 'b' };
    expect(lines(runs, question)).toEqual([['2 b<a']]);
    expect(queuesOf(runs, question)).toMatchObject({ waiting: 1, isCut: false, queues: [{ waiting: 2 }] });
  });
});

describe('who holds a queue up', () => {
  it.each<[string, RunStatus | undefined, string[]]>([
    ['runs', 'running', ['now']],
    ['waits for its final tasks', 'pending', ['now']],
    ['has ended since the condition was written', 'succeeded', []],
    ['is not known here', undefined, ['now']],
  ])('%s', (_name, status, expected) => {
    const [queue] = queuesOf([waiting('a', 1)], { ...everything, statusOf: () => status }).queues;
    expect(queue?.running.map(({ name }) => name)).toEqual(expected);
  });

  it('is told with the limit, by the first that says so', () => {
    const runs = [waiting('a', 1, { waiting: lost('no right') }), waiting('b', 2)];
    expect(queuesOf(runs, everything).queues[0]).toMatchObject({
      title: deploys,
      limit: 1,
      running: [{ name: 'now', status: 'running' }],
      runs: [{ name: 'a', problem: 'no right' }, { name: 'b' }],
    });
  });
});

it('a run whose condition nobody of ours wrote waits in a queue without a name', () => {
  const [queue] = queuesOf([waiting('a', 1, { waiting: undefined })], everything).queues;
  expect(queue).toMatchObject({
    title: '',
    running: [],
    runs: [{ problem: 'its condition does not say in which queue' }],
  });
});

it('of thousands a page has some, and says that there are more', () => {
  const runs = Array.from({ length: 3_000 }, (_, at) =>
    waiting(`r${String(at).padStart(4, '0')}`, 1, { namespace: `n${at % 2}` }),
  );
  const page = queuesOf(runs, everything);
  expect(page.queues.map(({ waiting: all, runs: shown }) => [all, shown.length])).toEqual([
    [1_500, 100],
    [1_500, 100],
  ]);
  expect(page).toMatchObject({ waiting: 3_000, isCut: true });
});
