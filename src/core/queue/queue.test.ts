import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConcurrency, type ConcurrencyRule } from '../../api/config/config-concurrency.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { queueOf } from './queue.ts';
import { formatSlots, parseSlots, slotsKey, slotsName } from './slots.ts';
import { standingOf, supersededBy, type Holder } from './standing.ts';

const rule = (fields: Partial<ConcurrencyRule> = {}): ConcurrencyRule => ({
  name: 'all',
  key: [],
  limit: 1,
  whenFull: 'queue',
  ...fields,
});

function run(name: string, fields: { spec?: object; metadata?: object; begun?: boolean } = {}): PipelineRun {
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...fields.metadata,
    },
    spec: { pipelineRef: { name: 'build' }, ...fields.spec },
    ...(fields.begun ? { status: { startTime: '2026-01-01T00:00:01Z' } } : {}),
  };
}

const annotated = (annotations: Record<string, string>) => run('r', { metadata: { annotations } });
const limited = (more: Record<string, string>) => annotated({ 'tektite.dev/concurrency-limit': '2', ...more });

describe('the queue of a run', () => {
  it.each<[string, PipelineRun, ConcurrencyRule[], string]>([
    ['nothing limits it', run('r'), [], 'free'],
    ['the rule of another namespace', run('r'), [rule({ namespaces: ['other'] })], 'free'],
    ['a rule for all', run('r'), [rule()], 'the queue of rule "all" (namespace=ns), limit 1, queue'],
    [
      'the first rule counts',
      run('r'),
      [rule({ namespaces: ['ns'], name: 'first', limit: 7 }), rule()],
      'the queue of rule "first" (namespace=ns), limit 7, queue',
    ],
    [
      'every part of a key',
      run('r', { metadata: { labels: { b: 'main' } }, spec: { params: [{ name: 'env', value: ['a', 'b'] }] } }),
      [rule({ key: ['pipeline', 'label:b', 'param:env', 'param:none'], whenFull: 'cancel-running' })],
      'the queue of rule "all" (namespace=ns, pipeline=build, label:b=main, param:env=["a","b"], param:none=), limit 1, cancel-running',
    ],
    [
      'its own annotations',
      limited({ 'tektite.dev/concurrency-key': 'label:b', 'tektite.dev/concurrency-when-full': 'replace-waiting' }),
      [],
      'the queue of its annotations (namespace=ns, label:b=), limit 2, replace-waiting',
    ],
    [
      'its own annotations say less than the operator',
      limited({}),
      [rule()],
      'the queue of rule "all" (namespace=ns), limit 1, queue',
    ],
    [
      'no number',
      annotated({ 'tektite.dev/concurrency-limit': 'three' }),
      [],
      'metadata.annotations[tektite.dev/concurrency-limit]: "three": use a number from 1 to 999',
    ],
    [
      'no key',
      limited({ 'tektite.dev/concurrency-key': 'pipeline,branch' }),
      [],
      'metadata.annotations[tektite.dev/concurrency-key]: "branch": use up to eight of pipeline, label:<name> and param:<name>, with commas between them',
    ],
    [
      'no strategy',
      limited({ 'tektite.dev/concurrency-when-full': 'stop' }),
      [],
      'metadata.annotations[tektite.dev/concurrency-when-full]: "stop": use queue, replace-waiting, cancel-running',
    ],
  ])('%s', (_name, given, rules, expected) => {
    const found = queueOf(given, rules);
    const shown =
      found.kind === 'queue'
        ? `${found.queue.title}, limit ${found.queue.limit}, ${found.queue.whenFull}`
        : found.kind === 'problem'
          ? found.message
          : found.kind;
    expect(shown).toBe(expected);
  });

  it('is another for another namespace or value, and of any size', () => {
    const key = (one: PipelineRun, limit = 1) => {
      const found = queueOf(one, [rule({ key: ['pipeline', 'param:p'], limit })]);
      return found.kind === 'queue' ? found.queue.key : '';
    };
    expect(key(run('a'))).toBe(key(run('b'), 5));
    expect(key(run('a'))).not.toBe(key(run('a', { metadata: { namespace: 'other' } })));
    expect(key(run('a'))).not.toBe(key(run('a', { spec: { pipelineRef: { name: 'other' } } })));
  });
});

describe('places in a queue', () => {
  const at = (second: number, priority?: string) => ({
    metadata: {
      creationTimestamp: `2026-01-01T00:00:0${second}Z`,
      ...(priority === undefined ? {} : { annotations: { 'tektite.dev/queue-priority': priority } }),
    },
  });

  it.each<[string, PipelineRun[], string[]]>([
    ['first come', [run('b', at(2)), run('a', at(3)), run('c', at(1))], ['c', 'b', 'a']],
    ['the same second: by name', [run('b'), run('a')], ['a', 'b']],
    [
      'priority goes first, below zero last',
      [run('a', at(1, '-1')), run('b', at(2)), run('c', at(3, '5'))],
      ['c', 'b', 'a'],
    ],
    ['what is no number is no priority', [run('a', at(2, 'high')), run('b', at(1))], ['b', 'a']],
    [
      'who is held back, cancelled or begun does not wait',
      [
        run('held', { spec: { status: 'PipelineRunPending' } }),
        run('gone', { spec: { status: 'Cancelled' } }),
        run('begun', { begun: true }),
        run('a'),
      ],
      ['a'],
    ],
  ])('%s', (_name, runs, expected) => {
    const [first] = runs;
    const { waiting } = standingOf(first as PipelineRun, runs, [], { limit: 1 });
    expect(waiting.map(({ metadata }) => metadata.name)).toEqual(expected);
  });

  it.each<[string, PipelineRun[], Holder[], number, boolean]>([
    ['room', [run('a')], [], 1, true],
    ['another holds it', [run('a')], [{ name: 'x', uid: 'x' }], 1, false],
    ['others that began without a slot count', [run('a'), run('old', { begun: true })], [], 1, false],
    [
      'who holds a slot and has begun counts once',
      [run('a'), run('h', { begun: true })],
      [{ name: 'h', uid: 'uid-h' }],
      2,
      true,
    ],
    ['an older one waits for the one place', [run('b'), run('a')], [], 1, false],
    ['two places for two', [run('b'), run('a')], [], 2, true],
    [
      'a limit that was lowered',
      [run('a')],
      [
        { name: 'x', uid: 'x' },
        { name: 'y', uid: 'y' },
      ],
      1,
      false,
    ],
  ])('%s', (_name, runs, holders, limit, expected) =>
    expect(standingOf(runs[0] as PipelineRun, runs, holders, { limit }).mayGo).toBe(expected),
  );

  it.each<[string, Parameters<typeof supersededBy>[3], string[]]>([
    ['queue', { limit: 1, whenFull: 'queue' }, []],
    ['replace-waiting', { limit: 1, whenFull: 'replace-waiting' }, ['Cancelled w1']],
    [
      'cancel-running',
      { limit: 1, whenFull: 'cancel-running' },
      ['Cancelled w1', 'CancelledRunFinally r1', 'CancelledRunFinally r2'],
    ],
    [
      'cancel-running, as many as need be',
      { limit: 3, whenFull: 'cancel-running' },
      ['Cancelled w1', 'CancelledRunFinally r1'],
    ],
  ])('a newcomer: %s', (_name, queue, expected) => {
    const [r1, r2] = [run('r1', { ...at(1), begun: true }), run('r2', { ...at(2), begun: true })];
    const [w1, newcomer, later] = [run('w1', at(3)), run('new', at(4)), run('w2', at(5))];
    const runs = [r1, r2, w1, newcomer, later];
    const standing = standingOf(newcomer, runs, [], queue);
    const found = supersededBy(newcomer, runs, standing, queue);
    expect(found.map(({ name, status }) => `${status} ${name}`)).toEqual(expected);
  });
});

describe("the operator's rules", () => {
  it('are read with their defaults', () =>
    expect(
      parseConcurrency({
        rules: '- {name: one, limit: 3}\n- {name: two, key: [pipeline], limit: 1, whenFull: cancel-running}',
      }),
    ).toEqual({
      rules: [rule({ name: 'one', limit: 3 }), rule({ name: 'two', key: ['pipeline'], whenFull: 'cancel-running' })],
      problems: [],
    }));

  it.each([
    ['no limit', '- {name: a}', '0.limit: '],
    ['a limit of none', '- {name: a, limit: 0}', '0.limit: '],
    ['an unknown part', '- {name: a, limit: 1, key: [branch]}', 'use pipeline, label:<name> or param:<name>'],
    ['an unknown field', '- {name: a, limit: 1, when: x}', 'when'],
  ])('%s is refused by name', (_name, rules, expected) =>
    expect(parseConcurrency({ rules }).problems[0]?.message).toContain(expected),
  );
});

it('slots are read as they were written; anything else is refused', () => {
  const holders = fc.array(fc.record({ name: fc.string(), uid: fc.uuid() }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.dictionary(fc.string().map(slotsKey), holders), (all) => {
      const slots = new Map(Object.entries(all));
      expect(new Map(parseSlots(formatSlots(slots)))).toEqual(slots);
    }),
  );
  expect(() => parseSlots('{"a": "b"}')).toThrow();
  expect(parseSlots(undefined).size).toBe(0);
  expect(slotsName('ns')).toBe('tektite-queues-ns');
  expect(slotsKey('x'.repeat(1_000_000))).toMatch(/^[\w-]{16}$/);
});
