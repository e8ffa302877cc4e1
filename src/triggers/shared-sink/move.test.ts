import { describe, expect, it } from 'vitest';
import { leaveMs, planMove, type Move, type Standing } from './move.ts';

const now = new Date('2026-06-01T10:00:00Z');
const before = (ms: number) => new Date(now.getTime() - ms).toISOString();
const port = (leavingSince?: string) => ({
  port: 20_000,
  holder: { namespace: 'ci', name: 'push', uid: 'u', account: 'robot', ...(leavingSince ? { leavingSince } : {}) },
});
const nothing = { held: undefined, own: 'none', sharedReady: 0, sharedSlices: 0, ownReady: 0 } as const;
const shared: Standing = { demand: { kind: 'shared' }, ...nothing };
const own: Standing = { demand: { kind: 'own' }, ...nothing };
const forbidden = { reason: 'Forbidden', message: 'run this' } as const;

/** A move in a few words: its own pods, the Service's selector, slices, port, condition. */
function words({ own: pods, selects, slices, port: at, condition }: Move): string {
  return [pods, selects ? 'selects' : 'selects none', slices, at, condition?.reason ?? '-'].join(', ');
}

describe('a listener that wants pods of its own', () => {
  it.each<[string, Standing, string]>([
    ['and has nothing yet', own, 'keep, selects, leave, keep, -'],
    ['by a field', { ...own, demand: { kind: 'own', field: 'spec.x' } }, 'keep, selects, leave, keep, OwnPods'],
    [
      'and is served by the shared sink',
      { ...own, held: port(), sharedReady: 1, sharedSlices: 1 },
      'keep, selects, write, keep, -',
    ],
    [
      'that are not available yet',
      { ...own, held: port(), own: 'made', sharedReady: 1, sharedSlices: 1, ownReady: 1 },
      'keep, selects, write, keep, -',
    ],
    [
      'that Kubernetes leads nobody to yet',
      { ...own, held: port(), own: 'available', sharedReady: 1, sharedSlices: 1 },
      'keep, selects, write, keep, -',
    ],
    [
      'that take over',
      { ...own, held: port(), own: 'available', sharedReady: 1, sharedSlices: 1, ownReady: 1 },
      'keep, selects, remove, leave, -',
    ],
    [
      'where no pod of the shared sink is left',
      { ...own, held: port(), sharedSlices: 1 },
      'keep, selects, remove, leave, -',
    ],
    [
      'whose port may still be asked',
      { ...own, held: port(before(leaveMs - 1)), own: 'available', sharedReady: 1, ownReady: 1 },
      'keep, selects, remove, leave, -',
    ],
    [
      'whose port nobody asks any more',
      { ...own, held: port(before(leaveMs)), own: 'available', sharedReady: 1, ownReady: 1 },
      'keep, selects, remove, give back, -',
    ],
    ['with a slice that was left', { ...own, sharedSlices: 1 }, 'keep, selects, remove, keep, -'],
  ])('%s', (_name, standing, wanted) => {
    expect(words(planMove(standing, now))).toBe(wanted);
  });

  it('is looked at when its port is to be given back', () => {
    expect(planMove({ ...own, held: port(before(4_000)), ownReady: 1 }, now).againMs).toBe(leaveMs - 4_000);
  });
});

describe('a listener that the shared sink is to serve', () => {
  it.each<[string, Standing, string]>([
    ['and no pod does yet', { ...shared, held: port() }, 'remove, selects none, leave, keep, NotServed'],
    ['and a pod does', { ...shared, held: port(), sharedReady: 1 }, 'remove, selects none, write, keep, Served'],
    [
      'keeps its own pods until then',
      { ...shared, held: port(), own: 'available', ownReady: 1 },
      'keep, selects, leave, keep, NotServed',
    ],
    [
      'and whose own pods are to go',
      { ...shared, held: port(), own: 'available', ownReady: 1, sharedReady: 2, sharedSlices: 1 },
      'remove, selects none, write, keep, Served',
    ],
    [
      'whose pods have all gone leads nowhere',
      { ...shared, held: port(), sharedSlices: 1 },
      'remove, selects none, write, keep, NotServed',
    ],
    ['and may not', { ...shared, obstacle: forbidden }, 'remove, selects none, remove, give back, Forbidden'],
    [
      'and may not any more',
      { ...shared, obstacle: forbidden, held: port(), sharedReady: 1, sharedSlices: 1 },
      'remove, selects none, remove, give back, Forbidden',
    ],
    [
      'and may not, with pods of its own',
      { ...shared, obstacle: forbidden, own: 'available', ownReady: 1 },
      'keep, selects, remove, give back, Forbidden',
    ],
  ])('%s', (_name, standing, wanted) => {
    const move = planMove(standing, now);
    expect(words(move)).toBe(wanted);
    // Rights may come and go without a word.
    expect(move.againMs).toBeGreaterThan(0);
  });

  it('says at which port, or what stands in its way', () => {
    const served = planMove({ ...shared, held: port(), sharedReady: 2 }, now).condition;
    expect(served).toEqual({
      status: 'True',
      reason: 'Served',
      message: '2 pods of the shared sink take its events at port 20000',
    });
    const refused = planMove({ ...shared, obstacle: forbidden }, now).condition;
    expect(refused).toEqual({ status: 'False', ...forbidden });
  });
});
