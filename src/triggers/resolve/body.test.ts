import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthOf, parseJson } from './body.ts';
import { canonicalHeader, canonicalName, headerValue } from './header.ts';

describe('parseJson', () => {
  it('reads JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJson(JSON.stringify(value))).toEqual({
          ok: true,
          value: JSON.parse(JSON.stringify(value)) as unknown,
        });
      }),
    );
  });

  it.each([
    ['nothing', '', 'unexpected end of JSON input'],
    ['no JSON', 'secret=hunter2', "Unexpected token 's'"],
    ['a part', '{"a":', 'Unexpected end of JSON input'],
    ['depth', '['.repeat(100_000), 'it is nested deeper than 200'],
  ])('says what is wrong: %s', (_name, text, problem) => {
    expect(parseJson(text)).toEqual({ ok: false, problem });
  });

  it('never repeats the body', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (secret) => {
        const parsed = parseJson(`{"token": x${secret}`);
        if (!parsed.ok) expect(parsed.problem.length).toBeLessThan(120);
      }),
    );
  });

  it.each([
    ['{}', 1],
    ['[[{"a":[]}]]', 4],
    ['"[[["', 0],
    ['{"a\\"[[":1}', 1],
    ['{"a\\\\":[[1]]}', 3],
    ['["\\\\\\"[["]', 1],
    ['["[[', 1],
  ])('counts how deep %s is', (text, depth) => expect(depthOf(text)).toBe(depth));
});

describe('headers', () => {
  it.each([
    ['x-github-event', 'X-Github-Event'],
    ['X-GITHUB-EVENT', 'X-Github-Event'],
    ['content-md5', 'Content-Md5'],
    ['has space', 'has space'],
  ])('%s is %s', (name, canonical) => expect(canonicalName(name)).toBe(canonical));

  it('keep all values', () => {
    const header = canonicalHeader({ 'x-a': ['1', '2'], 'X-A': '3', gone: undefined });
    expect(header).toEqual({ 'X-A': ['1', '2', '3'] });
    expect(headerValue(header, 'x-a')).toBe('1');
    expect(headerValue(header, 'constructor')).toBe('');
  });
});
