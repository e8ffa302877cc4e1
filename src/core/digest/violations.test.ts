import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addViolations, readViolations, type Violation } from './violations.ts';

const one = { field: 'spec.params', message: 'was changed' };
const other = { field: 'pod run-pod spec.containers[step-one].image', message: 'is not as the pod was created' };
const numbered = (count: number) => Array.from({ length: count }, (_, index) => ({ field: `f${index}`, message: 'm' }));
const textOf = (...violations: Violation[]) =>
  violations.map(({ field, message }) => `${field}: ${message}`).join('\n');

describe('what was seen that is not as it was made', () => {
  it.each<[string, string | undefined, Violation[]]>([
    ['nothing', undefined, []],
    ['nothing, in an empty record', '', []],
    ['one', textOf(one), [one]],
    ['several, in their order', textOf(other, one), [other, one]],
    ['with empty lines', `\n${textOf(one)}\n\n`, [one]],
    ['a message with a colon', 'f: is: not', [{ field: 'f', message: 'is: not' }]],
    ['without a field', ': is not', [{ field: '', message: 'is not' }]],
    ['a field without a message', 'spec', [{ field: 'spec', message: 'was changed' }]],
  ])('is read: %s', (_name, text, wanted) => expect(readViolations(text)).toEqual(wanted));

  it.each<[string, string | undefined, Violation[], ReturnType<typeof addViolations>]>([
    ['nothing to nothing', undefined, [], { text: undefined, added: [] }],
    ['nothing to one', textOf(one), [], { text: textOf(one), added: [] }],
    ['the first', undefined, [one], { text: textOf(one), added: [one] }],
    ['another', textOf(one), [other], { text: textOf(one, other), added: [other] }],
    ['one that is there', textOf(one), [one], { text: textOf(one), added: [] }],
    ['the same twice', undefined, [one, one], { text: textOf(one), added: [one] }],
    [
      'one with a line break: it stays one line',
      undefined,
      [{ field: 'a\nb', message: 'c\r\n d' }],
      { text: 'a b: c d', added: [{ field: 'a\nb', message: 'c\r\n d' }] },
    ],
  ])('is added: %s', (_name, text, seen, wanted) => expect(addViolations(text, seen)).toEqual(wanted));

  it('is kept up to twenty', () => {
    const { text, added } = addViolations(textOf(...numbered(18)), [one, ...numbered(30)]);
    expect(added).toEqual([one, { field: 'f18', message: 'm' }]);
    expect(readViolations(text)).toEqual([...numbered(18), one, { field: 'f18', message: 'm' }]);
    expect(addViolations(text, [other])).toEqual({ text, added: [] });
  });

  it('keeps its size, whatever is seen, and is never forgotten', () => {
    const any = fc.array(fc.record({ field: fc.string({ maxLength: 400 }), message: fc.string({ maxLength: 400 }) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(any, any, (first, second) => {
        const { text } = addViolations(undefined, first);
        const more = addViolations(text, second).text ?? '';
        expect(more.length).toBeLessThanOrEqual(20 * 301);
        expect(more.startsWith(text ?? '')).toBe(true);
        expect(readViolations(more).length > 0).toBe(first.length + second.length > 0);
      }),
    );
  });
});
