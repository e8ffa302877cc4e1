import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeal } from './seal.ts';

const since = new Date('2026-01-01T00:00:00Z');
const key = Buffer.alloc(32, 1);
const seal = createSeal(key, since);
const sealed = seal.stamp('mark', 'uid-a', 'true');
const [mac = '', text = ''] = sealed.split('.');

describe('a seal', () => {
  it('is written in front of the text', () => {
    expect(sealed).toMatch(/^[\w-]{43}\.true$/);
    expect(seal.open('mark', 'uid-a', sealed)).toBe('true');
    expect(seal.since).toBe(since);
  });

  it('opens whatever it was put on, and that alone', () => {
    const purpose = fc.constantFrom('mark' as const, 'pending' as const);
    const uid = fc.string({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(purpose, uid, fc.string(), fc.string({ maxLength: 60 }), (given, run, note, forged) => {
        const written = seal.stamp(given, run, note);
        expect(seal.open(given, run, written)).toBe(note);
        expect(seal.open(given, run, forged)).toBeUndefined();
        expect(seal.open(given, run, `${written}x`)).toBeUndefined();
        expect(seal.open(given, `${run}x`, written)).toBeUndefined();
      }),
    );
  });

  it.each<[string, string | undefined, Parameters<typeof seal.open>[0], string, typeof seal]>([
    ['nothing', undefined, 'mark', 'uid-a', seal],
    ['an empty text', '', 'mark', 'uid-a', seal],
    ['a note for another purpose', sealed, 'pending', 'uid-a', seal],
    ['a note on another run', sealed, 'mark', 'uid-b', seal],
    ['a note of another key', sealed, 'mark', 'uid-a', createSeal(Buffer.alloc(32, 2), since)],
    ['another text', `${mac}.failed`, 'mark', 'uid-a', seal],
    ['a text without a seal', text, 'mark', 'uid-a', seal],
    ['a seal without its text', `${mac}.`, 'mark', 'uid-a', seal],
    ['a seal without its end', `${mac}${text}`, 'mark', 'uid-a', seal],
    ['another sign at its end', `${mac}:${text}`, 'mark', 'uid-a', seal],
    ['a shorter seal', `${mac.slice(1)}.${text}`, 'mark', 'uid-a', seal],
    ['a seal of what is no base64', `${'*'.repeat(43)}.${text}`, 'mark', 'uid-a', seal],
    ['what moved from the uid into the text', seal.stamp('mark', 'uid-a', '1 true'), 'mark', 'uid-a 1', seal],
  ])('does not open %s', (_name, given, purpose, uid, by) => expect(by.open(purpose, uid, given)).toBeUndefined());

  it('without a uid would hold for every run that has none: it is not opened', () =>
    expect(seal.open('mark', '', seal.stamp('mark', '', 'true'))).toBeUndefined());

  it.each([
    [0, false],
    [31, false],
    [32, true],
    [64, true],
  ])('of a key of %d bytes: %s', (length, isMade) => {
    const make = () => createSeal(Buffer.alloc(length), since);
    if (isMade) expect(make).not.toThrow();
    else expect(make).toThrow(new RangeError(`a key of ${length} bytes; it must have 32`));
  });
});
