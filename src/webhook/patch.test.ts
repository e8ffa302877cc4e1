import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPatch, type PatchOperation } from './patch.ts';

/** RFC 6902, as the API server reads it. */
function applied(document: unknown, operations: readonly PatchOperation[]): unknown {
  let root = structuredClone(document);
  for (const operation of operations) {
    const keys = operation.path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop();
    if (last === undefined) {
      root = operation.op === 'remove' ? undefined : operation.value;
      continue;
    }
    const parent = keys.reduce((node, key) => (node as Record<string, unknown>)[key], root) as Record<string, unknown>;
    if (operation.op === 'remove') delete parent[last];
    else parent[last] = operation.value;
  }
  return root;
}

const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: true });

describe('jsonPatch', () => {
  it.each([
    ['nothing of the same', { a: [1] }, { a: [1] }, []],
    ['a field more', { a: 1 }, { a: 1, b: 2 }, [{ op: 'add', path: '/b', value: 2 }]],
    ['a field less', { a: 1, b: 2 }, { a: 1 }, [{ op: 'remove', path: '/b' }]],
    ['a field inside of a list', [{ a: 1 }], [{ a: 2 }], [{ op: 'replace', path: '/0/a', value: 2 }]],
    ['a list of another length, whole', { a: [1] }, { a: [1, 2] }, [{ op: 'replace', path: '/a', value: [1, 2] }]],
    ['names with a slash and a tilde', {}, { 'a/b~c': 1 }, [{ op: 'add', path: '/a~1b~0c', value: 1 }]],
    ['a field less that objects inherit', { valueOf: 1 }, {}, [{ op: 'remove', path: '/valueOf' }]],
    ['what is undefined afterwards', { a: 1 }, { a: undefined }, [{ op: 'remove', path: '/a' }]],
  ])('%s', (_what, before, after, operations) => expect(jsonPatch(before, after)).toEqual(operations));

  it('makes the one of the other, whatever they are', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        // Assignment to `__proto__` is not what a patch means by it; no field of ours has the name.
        fc.pre(!JSON.stringify([before, after]).includes('__proto__'));
        expect(applied(before, jsonPatch(before, after))).toEqual(after);
      }),
    );
  });
});
