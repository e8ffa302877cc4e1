import { describe, expect, test } from 'vitest';
import type { KubeObject } from './object.ts';
import { isOwnCreation, keysExceptOwnStatus } from './own-writes.ts';
import { Store } from './store.ts';

interface Thing extends KubeObject {
  spec?: object;
  status?: object;
}
const before: Thing = {
  metadata: { name: 'a', namespace: 'ns', uid: 'u', generation: 1, resourceVersion: '5', labels: { team: 'x' } },
  spec: { steps: 1 },
  status: { phase: 'begins' },
};
const after = (metadata: object = {}, more: object = {}): Thing => ({
  ...before,
  status: { phase: 'goes on' },
  ...more,
  metadata: { ...before.metadata, resourceVersion: '6', ...metadata },
});

/** Keys that a change of the stored object puts into a queue. */
function keysOf(change: (store: Store<Thing>) => void): string[] {
  const store = new Store<Thing>();
  store.replace([before], '5');
  const keys: string[] = [];
  store.subscribe((told) => keys.push(...keysExceptOwnStatus(told)));
  change(store);
  return keys;
}

describe('a change of an object puts its key into the queue', () => {
  test.each<[string, (store: Store<Thing>) => void, string[]]>([
    ['not when it is the status just written', (store) => store.observeWrite(after()), []],
    ['when somebody else wrote it', (store) => store.upsert(after()), ['ns/a']],
    [
      'when the answer to a write carries a changed spec',
      (store) => store.observeWrite(after({ generation: 2 }, { spec: { steps: 2 } })),
      ['ns/a'],
    ],
    ['when it carries a label', (store) => store.observeWrite(after({ labels: { team: 'y' } })), ['ns/a']],
    [
      'when it carries a deletion',
      (store) => store.observeWrite(after({ deletionTimestamp: '2026-01-01T00:00:00Z' })),
      ['ns/a'],
    ],
    ['when its kind does not count changes', (store) => store.observeWrite(after({ generation: undefined })), ['ns/a']],
    [
      'when it is another object of the same name',
      (store) => store.observeWrite(after({ uid: 'v' })),
      // Deleted and added.
      ['ns/a', 'ns/a'],
    ],
    ['when it is looked at again by the clock', (store) => store.resync(), ['ns/a']],
    ['when it is gone', (store) => store.delete(after()), ['ns/a']],
  ])('%s', (_name, change, expected) => {
    expect(keysOf(change)).toEqual(expected);
  });

  test("the watch's event of a write that was observed comes to nothing, as before", () => {
    expect(
      keysOf((store) => {
        store.observeWrite(after());
        store.upsert(after());
      }),
    ).toEqual([]);
  });
});

test.each<[string, Thing, 'write' | 'watch', boolean]>([
  ['made here', { metadata: { name: 'b', namespace: 'ns', resourceVersion: '7' } }, 'write', true],
  ['made by others', { metadata: { name: 'b', namespace: 'ns', resourceVersion: '7' } }, 'watch', false],
  [
    'taken over as it was',
    { ...after(), metadata: { name: 'b', namespace: 'ns', resourceVersion: '7' } },
    'write',
    false,
  ],
])('an object %s', (_name, object, origin, expected) => {
  const store = new Store<Thing>();
  const told: boolean[] = [];
  store.subscribe((change) => told.push(isOwnCreation(change)));
  if (origin === 'write') store.observeWrite(object);
  else store.upsert(object);
  expect(told).toEqual([expected]);
});
