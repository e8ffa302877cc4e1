import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runStatuses, type RunChange, type RunPage, type RunStatus, type RunSummary } from '../contract.ts';
import { listOf, withChange, withFirstPage, withFreshShown, withMore } from './run-list.ts';

const run = (second: number, more: Partial<RunSummary> = {}): RunSummary => ({
  kind: 'PipelineRun',
  namespace: 'n',
  name: `r${second}`,
  uid: `u${second}`,
  resourceVersion: '1',
  status: 'running',
  reason: '',
  message: '',
  startedBy: {},
  created: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  signed: 'no',
  labels: {},
  ...more,
});
const counts = Object.fromEntries(runStatuses.map((status) => [status, 0])) as Record<RunStatus, number>;
const page = (seconds: number[], next?: string): RunPage => ({
  items: seconds.map((second) => run(second)),
  total: seconds.length,
  counts,
  ...(next === undefined ? {} : { next }),
});
const changed = (second: number, more: Partial<RunSummary> = {}): RunChange => ({
  type: 'changed',
  run: run(second, more),
});
const names = (runs: readonly RunSummary[]) => runs.map(({ name }) => name);

describe('a list of runs', () => {
  it('holds new runs back until they are asked for', () => {
    const list = [changed(7), changed(8), changed(7)].reduce(withChange, listOf(page([5, 4])));
    expect([names(list.shown), names(list.fresh)]).toEqual([
      ['r5', 'r4'],
      ['r8', 'r7'],
    ]);
    const all = withFreshShown(list);
    expect([names(all.shown), all.fresh]).toEqual([['r8', 'r7', 'r5', 'r4'], []]);
  });

  it('brings what is shown up to date where it stands', () => {
    const list = withChange(listOf(page([5, 4])), changed(4, { status: 'succeeded' }));
    expect(list.shown.map(({ status }) => status)).toEqual(['running', 'succeeded']);
  });

  it('leaves what is gone in its place, and says so', () => {
    const list = withChange(listOf(page([5, 4, 3])), { type: 'removed', uid: 'u4' });
    expect([names(list.shown), [...list.gone]]).toEqual([['r5', 'r4', 'r3'], ['u4']]);
    expect(names(withFreshShown(list).shown)).toEqual(['r5', 'r3']);
    expect([...withChange(list, changed(4)).gone]).toEqual([]);
  });

  it('a new run that is gone again was never there', () => {
    const list = withChange(withChange(listOf(page([5])), changed(8)), { type: 'removed', uid: 'u8' });
    expect(list.fresh).toEqual([]);
  });

  it('leaves what is older to its page', () => {
    const list = withChange(listOf(page([5, 4], 'token')), changed(2));
    expect(list.fresh).toEqual([]);
    expect(names(withMore(list, page([4, 3, 2])).shown)).toEqual(['r5', 'r4', 'r3', 'r2']);
  });

  it('takes a first page again as so many changes', () => {
    const list = withFirstPage(listOf(page([5, 4])), page([6, 5]));
    expect([names(list.shown), names(list.fresh), list.total]).toEqual([['r5', 'r4'], ['r6'], 2]);
  });

  it('never moves what is shown, whatever comes', () => {
    const change = fc.oneof(
      fc.integer({ min: 1, max: 30 }).map((second): RunChange => changed(second)),
      fc.integer({ min: 1, max: 30 }).map((second): RunChange => ({ type: 'removed', uid: `u${second}` })),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const list = changes.reduce(withChange, listOf(page([20, 15, 10], 'token')));
        expect(names(list.shown)).toEqual(['r20', 'r15', 'r10']);
        const all = withFreshShown(list).shown.map(({ created }) => created);
        expect(all).toEqual(all.toSorted().reverse());
      }),
    );
  });
});
