import { describe, expect, it } from 'vitest';
import { conditionStatus, runObject } from './runs.fake.ts';
import { indexed, summaryOf } from './summary.ts';
import { usesOf } from './uses.ts';

const ended = { True: conditionStatus('True', 'Succeeded'), False: conditionStatus('False', 'Failed') };
const of = (name: string) => ({ pipelineRef: { name } });
const usesIn = (...runs: Parameters<typeof runObject>[0][]) =>
  usesOf(
    runs.map((run) => indexed(runObject(run))),
    (some) => some.map((run) => summaryOf(run, 1_000)),
  );

describe('how definitions were used', () => {
  it('counts runs by status, and tells the last', () => {
    const { items, isCut } = usesIn(
      { name: 'c', spec: of('build'), status: ended.False },
      { name: 'b', spec: of('test'), status: ended.True },
      { name: 'a', spec: of('build'), status: ended.True },
    );
    expect(
      items.map(({ kind, name, last, counts }) => [kind, name, last.name, counts.succeeded, counts.failed]),
    ).toEqual([
      ['Pipeline', 'build', 'c', 1, 1],
      ['Pipeline', 'test', 'b', 1, 0],
    ]);
    expect([isCut, items[0]?.last.usualMilliseconds]).toEqual([false, 1_000]);
  });

  it('keeps namespaces apart, and leaves out what is written in place', () => {
    const { items } = usesIn(
      { name: 'a', namespace: 'x', spec: of('build') },
      { name: 'b', namespace: 'y', spec: of('build') },
      { name: 'c', spec: { pipelineSpec: {} } },
    );
    expect(items.map(({ namespace }) => namespace)).toEqual(['x', 'y']);
  });

  it('tells of the 2,000 that were used last, and that there are more', () => {
    const runs = Array.from({ length: 2_002 }, (_, at) => ({ name: `r${at}`, spec: of(`p${at}`) }));
    const { items, isCut } = usesIn(...runs, { name: 'again', spec: of('p0') });
    expect([items.length, isCut, items[0]?.counts.pending]).toEqual([2_000, true, 2]);
  });
});
