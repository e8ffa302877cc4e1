import { describe, expect, it } from 'vitest';
import type { EventListener, Trigger, TriggerStatus } from '../../api/triggers/objects.ts';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { affectedBy, selectionReconciler } from './selection-reconciler.ts';
import { keeperOf } from './selection.ts';

const clock = new FakeClock('2026-06-01T10:00:00Z');
const signal = new AbortController().signal;
const daily = { 'triggers.tektite.dev/schedule': '@daily' };

function triggerWith(more: Partial<Trigger['metadata']> = {}, status?: TriggerStatus): Trigger {
  const own = { name: 'nightly', namespace: 'ci', uid: 'u-1', labels: { app: 'api' }, annotations: daily };
  const metadata = { ...own, creationTimestamp: '2026-06-01T09:00:00Z', ...more };
  return { metadata, ...(status ? { status } : {}) };
}

function listener(spec: EventListener['spec'], metadata: Partial<EventListener['metadata']> = {}): EventListener {
  return { metadata: { name: 'clock', namespace: 'ci', ...metadata }, spec: spec ?? {} };
}

const referring = listener({ triggers: [{ triggerRef: 'nightly' }] });
const byLabels = { matchLabels: { app: 'api' } };
const group = (triggerSelector: object) => ({ name: 'g', interceptors: [{ ref: { name: 'cel' } }], triggerSelector });

describe('who keeps the schedule of a Trigger', () => {
  it.each<[string, EventListener, boolean]>([
    ['a listener that refers to it', referring, true],
    ['one that selects its labels', listener({ labelSelector: byLabels }), true],
    ['a group', listener({ triggerGroups: [group({ labelSelector: byLabels })] }), true],
    [
      'one of another namespace that selects all',
      listener({ namespaceSelector: { matchNames: ['*'] } }, { namespace: 'other' }),
      true,
    ],
    [
      'one of another namespace that refers to that name',
      listener({ triggers: [{ triggerRef: 'nightly' }] }, { namespace: 'other' }),
      false,
    ],
    ['one that refers to another', listener({ triggers: [{ triggerRef: 'push' }] }), false],
    ['one with other labels', listener({ labelSelector: { matchLabels: { app: 'web' } } }), false],
    ['one that is being deleted', listener(referring.spec, { deletionTimestamp: '2026-06-01T09:59:00Z' }), false],
  ])('%s: %s', (_name, each, isKeeper) => {
    expect(keeperOf(triggerWith(), [each]) === each).toBe(isKeeper);
  });
});

const condition = (reason: string, status: 'True' | 'False' | 'Unknown' = 'True') => ({
  conditions: [{ type: 'Scheduled', status, reason }],
});

/** What becomes of a Trigger on an API server, and what is told of it. */
async function reconciled(trigger: Trigger, listeners: EventListener[], failure?: ApiError) {
  const told: string[] = [];
  let written: TriggerStatus | undefined;
  const reconcile = selectionReconciler({
    client: {
      get: () => Promise.resolve({ ...trigger, spec: { template: { ref: 't' } } } as never),
      replaceStatus: (_resource, object) => {
        if (failure) return Promise.reject(failure);
        expect(object).toMatchObject({ spec: { template: { ref: 't' } } });
        written = (object as Trigger).status;
        return Promise.resolve(object);
      },
    },
    find: () => trigger,
    listeners: () => listeners,
    tell: (_trigger, reason) => told.push(reason),
    clock,
  });
  const outcome = await reconcile('ci/nightly', signal);
  const said = written?.conditions?.find(({ type }) => type === 'Scheduled');
  return { outcome, told, written, said: said && `${said.status} ${said.reason}` };
}

describe('a Trigger with a schedule', () => {
  it('that no listener selects says so, and how to mend it', async () => {
    const { said, told, written } = await reconciled(triggerWith(), []);
    expect([said, told]).toEqual(['False NotSelected', ['ScheduleNotKept']]);
    expect(written?.conditions?.[0]?.message).toContain('name it in a triggerRef');
  });

  it.each<[string, TriggerStatus | undefined, EventListener[], string | undefined]>([
    ['is selected: its sink says the rest', undefined, [referring], undefined],
    ['is selected and kept', condition('Scheduled'), [referring], undefined],
    ['is selected no more', condition('Scheduled'), [], 'False NotSelected'],
    ['is still not selected', condition('NotSelected', 'False'), [], undefined],
    ['is selected again', condition('NotSelected', 'False'), [referring], 'Unknown WaitingForSink'],
    ['waits for its sink', condition('WaitingForSink', 'Unknown'), [referring], undefined],
    ['has nonsense as conditions', { conditions: 'x' as never }, [], 'False NotSelected'],
  ])('that %s', async (_name, status, listeners, wanted) => {
    const { said, told } = await reconciled(triggerWith({}, status), listeners);
    expect([said, told.length]).toEqual([wanted, wanted === 'False NotSelected' ? 1 : 0]);
  });

  it('keeps what is recorded of its times', async () => {
    const schedule = { schedule: '@daily', timeZone: 'Etc/UTC', since: '2026-05-01T00:00:00Z' };
    const { written } = await reconciled(triggerWith({}, { ...condition('Scheduled'), schedule }), []);
    expect(written?.schedule).toEqual(schedule);
  });

  it('that was made just now is given time to be selected', async () => {
    const { outcome, told } = await reconciled(triggerWith({ creationTimestamp: '2026-06-01T09:59:58Z' }), []);
    expect([outcome, told]).toEqual([{ kind: 'requeueAfter', ms: 3_000 }, []]);
  });

  it.each<[string, ApiError, string]>([
    ['changed', new ApiError(409, { reason: 'Conflict' }), 'requeueAfter'],
    ['went', new ApiError(404, { reason: 'NotFound' }), 'skip'],
  ])('that %s meanwhile is told nothing of', async (_name, failure, kind) => {
    expect(await reconciled(triggerWith(), [], failure)).toMatchObject({ outcome: { kind }, told: [] });
  });
});

describe('a Trigger without a schedule', () => {
  it('is left alone', async () => {
    expect((await reconciled(triggerWith({ annotations: {} }), [])).written).toBeUndefined();
  });

  it('that had one says nothing of it any more', async () => {
    const status = { ...condition('Scheduled'), schedule: { schedule: '@daily' } };
    const { written, told } = await reconciled(triggerWith({ annotations: {} }, status), [referring]);
    expect([written, told]).toEqual([{ conditions: [] }, []]);
  });
});

it('a change of a listener is news for Triggers with a schedule, where it changes what it selects', () => {
  const all: [string, Trigger][] = [
    ['ci/nightly', triggerWith()],
    ['ci/push', triggerWith({ annotations: {} })],
  ];
  const of = (generation: number) => listener({}, { generation });
  const change = { key: 'ci/clock', type: 'updated', origin: 'watch' } as const;
  expect(affectedBy({ ...change, object: of(2), old: of(1) }, all)).toEqual(['ci/nightly']);
  expect(affectedBy({ ...change, object: of(1), old: of(1) }, all)).toEqual([]);
  expect(affectedBy({ ...change, type: 'deleted', object: of(1), old: of(1) }, all)).toEqual(['ci/nightly']);
});
