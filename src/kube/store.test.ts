import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from './object.ts';
import { ChangeHandlerError, Store } from './store.ts';

interface Thing extends KubeObject {
  value?: string;
  spec?: object;
}
const thing = (
  name: string,
  resourceVersion: string | number,
  more: { uid?: string; value?: string; labels?: Record<string, string> } = {},
): Thing => ({
  metadata: {
    name,
    namespace: 'n',
    uid: more.uid ?? `uid-${name}`,
    resourceVersion: String(resourceVersion),
    ...(more.labels ? { labels: more.labels } : {}),
  },
  ...(more.value ? { value: more.value } : {}),
});
const logged = (store: Store<Thing>) => {
  const log: string[] = [];
  store.subscribe(({ type, key, object, origin }) =>
    log.push(`${type} ${key}@${object.metadata.resourceVersion} ${origin}`),
  );
  return log;
};

describe('Store', () => {
  test('what a write returned is read back before the watch brings it, and told once', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1)], '1');
    const log = logged(store);
    store.observeWrite(thing('a', 5, { value: 'new' }));
    expect(store.get('n/a')?.value).toBe('new');
    store.upsert(thing('a', 5, { value: 'new' }));
    expect(log).toEqual(['updated n/a@5 write']);
  });

  test('a stale event does not roll back a written object', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1)], '1');
    store.observeWrite(thing('a', 5, { value: 'new' }));
    store.upsert(thing('a', 3, { value: 'old' }));
    expect(store.get('n/a')?.value).toBe('new');
  });

  test('versions are numbers of any length, not text', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', '9')], '9');
    store.upsert(thing('a', '10', { value: 'ten' }));
    expect(store.get('n/a')?.value).toBe('ten');
    store.upsert(thing('a', '99999999999999999999', { value: 'huge' }));
    store.upsert(thing('a', '99999999999999999998', { value: 'less' }));
    expect(store.get('n/a')?.value).toBe('huge');
  });

  test('the answer to a write that arrives after the deletion raises no ghost', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1)], '1');
    store.delete(thing('a', 8));
    store.observeWrite(thing('a', 7));
    expect(store.get('n/a')).toBeUndefined();
  });

  test('the deletion of a former object spares the one created since', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1, { uid: 'old' })], '1');
    store.observeWrite(thing('a', 9, { uid: 'new' }));
    store.delete(thing('a', 8, { uid: 'old' }));
    expect(store.get('n/a')?.metadata.uid).toBe('new');
  });

  test('a list deletes what it lacks, except what was written after it', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1), thing('b', 2)], '2');
    store.observeWrite(thing('c', 20));
    const log = logged(store);
    store.replace([thing('b', 2), thing('d', 9)], '10');
    expect(log).toEqual(['deleted n/a@1 list', 'added n/d@9 list']);
    expect([...store.keys()].sort()).toEqual(['n/b', 'n/c', 'n/d']);
  });

  test('an object deleted and created again between lists is told as two changes', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 1, { uid: 'old' })], '1');
    const log = logged(store);
    store.replace([thing('a', 5, { uid: 'new' })], '6');
    expect(log).toEqual(['deleted n/a@1 list', 'added n/a@5 list']);
  });

  test('a list from before what was seen (etcd restored) is the truth', () => {
    const store = new Store<Thing>();
    store.replace([thing('a', 90), thing('b', 95)], '100');
    store.replace([thing('a', 40, { value: 'restored' })], '50');
    expect(store.get('n/a')?.value).toBe('restored');
    expect(store.get('n/b')).toBeUndefined();
    store.upsert(thing('b', 51));
    expect(store.get('n/b')).toBeDefined();
  });

  test('drops managedFields and the last-applied annotation, keeps the rest, leaves the input alone', () => {
    const store = new Store<Thing>({ freeze: true });
    const input: Thing = {
      metadata: {
        ...thing('a', 1).metadata,
        managedFields: [{}],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: '1' },
      },
    };
    store.upsert(input);
    expect(store.get('n/a')?.metadata).not.toHaveProperty('managedFields');
    expect(store.get('n/a')?.metadata.annotations).toEqual({ mine: '1' });
    expect(input.metadata.managedFields).toEqual([{}]);
    expect(() => {
      (store.get('n/a') as Thing).metadata.name = 'x';
    }).toThrow(TypeError);
  });

  test('what did not change of an object is kept as it was', () => {
    const store = new Store<Thing>();
    const spec = { steps: [{ image: 'a' }] };
    store.upsert({ ...thing('a', 1), spec });
    store.upsert({ ...thing('a', 2, { value: 'new' }), spec: structuredClone(spec) });
    expect(store.get('n/a')).toEqual({ ...thing('a', 2, { value: 'new' }), spec });
    expect(store.get('n/a')?.spec).toBe(spec);
  });

  test('objects of another selection are not taken in from a write', () => {
    const store = new Store<Thing>({ accepts: (object) => object.metadata.labels?.['mine'] === 'yes' });
    store.observeWrite(thing('a', 5));
    store.observeWrite(thing('b', 5, { labels: { mine: 'yes' } }));
    expect([...store.keys()]).toEqual(['n/b']);
  });

  test('an unknown index is an error that names the known ones', () => {
    expect(() => new Store<Thing>({ indexes: { owner: () => [] } }).byIndex('uid', 'x')).toThrow(
      'no index "uid"; declared: owner',
    );
  });

  test('a handler that throws does not keep the others from hearing, and is not swallowed', () => {
    const store = new Store<Thing>();
    const heard: string[] = [];
    store.subscribe(() => {
      throw new Error('boom');
    });
    store.subscribe(({ key }) => heard.push(key));
    expect(() => store.upsert(thing('a', 1))).toThrow(ChangeHandlerError);
    expect(heard).toEqual(['n/a']);
    expect(store.get('n/a')).toBeDefined();
  });

  test('an unsubscribed handler hears nothing more', () => {
    const store = new Store<Thing>();
    const heard: string[] = [];
    const stop = store.subscribe(({ key }) => heard.push(key));
    stop();
    store.upsert(thing('a', 1));
    expect(heard).toEqual([]);
  });

  test('indexes agree with the objects after any history', () => {
    const operation = fc.record({
      kind: fc.constantFrom('upsert', 'delete', 'write', 'replace'),
      name: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('x', 'y', 'z'),
      lag: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const store = new Store<Thing>({ indexes: { value: (object) => (object.value ? [object.value] : []) } });
        let version = 10;
        for (const { kind, name, value, lag } of operations) {
          version += 2;
          const object = thing(name, version - lag, { value });
          if (kind === 'upsert') store.upsert(object);
          else if (kind === 'delete') store.delete(object);
          else if (kind === 'write') store.observeWrite(object);
          else store.replace([object], String(version));
          for (const wanted of ['x', 'y', 'z']) {
            const direct = store
              .list()
              .filter((o) => o.value === wanted)
              .map((o) => o.metadata.name)
              .sort();
            expect(
              store
                .byIndex('value', wanted)
                .map((o) => o.metadata.name)
                .sort(),
            ).toEqual(direct);
          }
        }
      }),
    );
  });
});
