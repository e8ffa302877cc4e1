import { describe, expect, it } from 'vitest';
import { taskRunOf } from '../pod/pod.fake.ts';
import { childRecord, compactUid, formatChildren, parseChildren } from './children.ts';

const uid = '01234567-89ab-cdef-0123-456789abcdef';
const child = (name: string) => taskRunOf({ params: [{ name: 'a', value: name }] }, undefined, { name, uid });

describe('the record of children', () => {
  it('reads what it wrote', () => {
    const records = ['run-a', 'run-b', 'run-c-11'].map((name) => childRecord(child(name)));
    expect([...(parseChildren(formatChildren(records)) ?? []).values()]).toEqual(records);
    expect(parseChildren(undefined)).toEqual(new Map());
  });

  it.each(['x', 'a b', 'a b c d', 'a b c,,d e f', ' b c'])('refuses what it did not write: %j', (text) =>
    expect(parseChildren(text)).toBeUndefined(),
  );

  it('takes at most 120 bytes a child with names as they are', () => {
    const names = Array.from(
      { length: 300 },
      (_, index) => `build-and-push-images-run-x7k2p-compile-and-test-${index}`,
    );
    const text = formatChildren(names.map((name) => childRecord(child(name))));
    expect(text.length / names.length).toBeLessThanOrEqual(120);
  });

  it('does not look at what cancels a child', () => {
    const { spec, ...rest } = child('run-a');
    const cancelled = { ...rest, spec: { ...spec, status: 'TaskRunCancelled', statusMessage: 'm' } };
    expect(childRecord(cancelled)).toEqual(childRecord({ ...rest, spec }));
  });
});

describe('uids', () => {
  it.each([
    [uid, 'ASNFZ4mrze8BI0VniavN7w'],
    ['0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef'],
    ['uid-run', 'uid-run'],
  ])('%s is recorded as %s', (given, expected) => expect(compactUid(given)).toBe(expected));
});
