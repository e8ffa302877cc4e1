import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedFields, fieldRecord, restoredFields } from './fields.ts';
import { tamperings } from './tamper.fake.ts';

const long = 'x'.repeat(100);
const before = { params: [{ name: 'ref', value: 'evil' }], timeout: '1h', retries: 2, taskSpec: { description: long } };

describe('changed fields', () => {
  it.each<[string, object, string[]]>([
    ['none', { ...before }, []],
    ['none but the order of fields', Object.fromEntries(Object.entries(before).reverse()), []],
    ['none but an undefined one', { ...before, debug: undefined }, []],
    ['a short value', { ...before, timeout: '2h' }, ['timeout']],
    ['a long value, deep inside', { ...before, taskSpec: { description: `${long}y` } }, ['taskSpec']],
    ['a field more', { ...before, serviceAccountName: 'admin' }, ['serviceAccountName']],
    ['a field less', { params: before.params, timeout: '1h', taskSpec: before.taskSpec }, ['retries']],
    ['a number that became its text', { ...before, retries: '2' }, ['retries']],
    ['a text that looks like a kept digest', { ...before, timeout: '#x' }, ['timeout']],
    ['several', { ...before, timeout: '2h', retries: 3 }, ['retries', 'timeout']],
  ])('%s', (_name, now, expected) => expect(changedFields(fieldRecord(before), now)).toEqual(expected));

  it.each(['', 'no json', '[]', 'null', '"x"'])('a record that is none: %j', (record) =>
    expect(changedFields(record, before)).toBeUndefined(),
  );
});

describe('restored fields', () => {
  it('has short values back and leaves out long ones', () => {
    const now = { ...before, timeout: '0', retries: undefined, taskSpec: { steps: [] }, serviceAccountName: 'admin' };
    expect(restoredFields(fieldRecord(before), now)).toEqual({
      value: { params: before.params, timeout: '1h', retries: 2 },
      lost: ['taskSpec'],
    });
  });

  it('has nothing back from a record that cannot be read', () =>
    expect(restoredFields('{', before)).toEqual({ value: {}, lost: ['params', 'retries', 'taskSpec', 'timeout'] }));

  it.each<[string, string, string[]]>([
    ['64 bytes of JSON', 'x'.repeat(62), []],
    ['65 bytes of JSON', 'x'.repeat(63), ['field']],
  ])('keeps a value that has %s, or not', (_name, field, lost) =>
    expect(restoredFields(fieldRecord({ field }), {})).toEqual({ value: lost.length > 0 ? {} : { field }, lost }),
  );
});

it('any change of any leaf is found and named; no change finds nothing', () => {
  const specs = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 });
  fc.assert(
    fc.property(specs, (spec) => {
      const record = fieldRecord(spec);
      expect(changedFields(record, structuredClone(spec))).toEqual([]);
      for (const [name, field] of Object.entries(spec))
        for (const { path, value } of tamperings(field))
          expect(changedFields(record, { ...spec, [name]: value }), `${name}${path}`).toEqual([name]);
    }),
  );
});
