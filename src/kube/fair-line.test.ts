import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairLine, namespaceOfKey } from './fair-line.ts';

describe('FairLine', () => {
  test.each([
    ['ns/name', 'ns'],
    ['/cluster-wide', ''],
    ['no-slash', ''],
  ])('the namespace of %s is %j', (key, namespace) => {
    expect(namespaceOfKey(key)).toBe(namespace);
  });

  test('a tenant that may not be served now keeps its turn', () => {
    const line = new FairLine();
    for (const key of ['a/1', 'b/1', 'a/2']) line.add(key);
    expect(line.take((tenant) => tenant !== 'a')).toBe('b/1');
    expect(line.take()).toBe('a/1');
    expect(line.take((tenant) => tenant !== 'a')).toBeUndefined();
    expect(line.size).toBe(1);
  });

  test('what has to go is the oldest of the longest line, what is behind first', () => {
    const line = new FairLine();
    line.add('a/1', 'ahead');
    line.add('a/2');
    line.add('a/3');
    line.add('b/1');
    expect(line.takeFromLongest()).toBe('a/2');
    expect(line.takeFromLongest()).toBe('a/3');
    expect(new FairLine().takeFromLongest()).toBeUndefined();
  });

  test('every key comes out once; a tenant waits for at most one key of each other', () => {
    const keys = fc.array(
      fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), name: fc.nat(30), ahead: fc.boolean() }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(keys, (added) => {
        const line = new FairLine();
        for (const { tenant, name, ahead } of added) line.add(`${tenant}/${name}`, ahead ? 'ahead' : 'behind');
        const wanted = new Set(added.map(({ tenant, name }) => `${tenant}/${name}`));
        expect(line.size).toBe(wanted.size);
        const taken: string[] = [];
        for (let key = line.take(); key !== undefined; key = line.take()) taken.push(key);
        expect(new Set(taken)).toEqual(wanted);
        expect(taken).toHaveLength(wanted.size);
        // While a tenant has keys, no other is served twice before it.
        const tenants = taken.map(namespaceOfKey);
        for (const waiting of new Set(tenants)) {
          let since: string[] = [];
          for (const served of tenants.slice(0, tenants.lastIndexOf(waiting))) {
            since = served === waiting ? [] : [...since, served];
            expect(new Set(since).size).toBe(since.length);
          }
        }
      }),
    );
  });
});
