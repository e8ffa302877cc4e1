import { describe, expect, it } from 'vitest';
import type { KubeObject } from './object.ts';
import { withSameParts } from './same-parts.ts';

interface Thing extends KubeObject {
  spec?: unknown;
  status?: unknown;
}
const metadata = (resourceVersion: string) => ({ name: 'a', resourceVersion });
const old = {
  metadata: metadata('1'),
  spec: { steps: [{ image: 'a' }] },
  status: { taskSpec: { steps: [{ image: 'a' }] }, conditions: [{ status: 'Unknown' }], podName: 'a-pod' },
};
const copy = <V>(value: V): V => structuredClone(value);

describe('parts of an object that did not change', () => {
  it('are those of the one before it', () => {
    const now = { ...copy(old), metadata: metadata('2') };
    const kept = withSameParts<Thing>(now, old);
    expect(kept).toEqual(now);
    expect(kept.spec).toBe(old.spec);
    expect((kept.status as typeof old.status).taskSpec).toBe(old.status.taskSpec);
  });

  it.each<[string, Thing, Thing | undefined]>([
    ['the first', copy(old), undefined],
    ['one with another spec', { ...copy(old), spec: { steps: [{ image: 'b' }] } }, old],
    ['one without a spec', { metadata: metadata('2'), status: copy(old.status) }, old],
    ['one that has a spec now', copy(old), { metadata: metadata('1') }],
    [
      'one with another status',
      { ...copy(old), status: { ...copy(old.status), conditions: [{ status: 'True' }] } },
      old,
    ],
    ['one without a status', { metadata: metadata('2'), spec: copy(old.spec) }, old],
    ['one that has a status now', copy(old), { metadata: metadata('1'), spec: copy(old.spec) }],
    ['one with a status that is a text', { ...copy(old), status: 'text' }, old],
    ['one after a status that was a list', copy(old), { ...copy(old), status: ['text'] }],
    ['one with a field called as what all objects have', { ...copy(old), status: { constructor: {} } }, old],
  ])('%s is as it came', (_name, now, before) => {
    const came = copy(now);
    expect(withSameParts(now, before)).toEqual(came);
    expect(now).toEqual(came);
  });
});
