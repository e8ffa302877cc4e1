import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { yamlText } from './yaml.ts';

describe('yamlText', () => {
  it.each([
    'yes',
    'No',
    'on',
    'OFF',
    'y',
    'N',
    'true',
    'null',
    '~',
    '',
    '123',
    '017',
    '08',
    '1_000',
    '-_6',
    '0b1',
    '0X1F',
    '+0o7',
    '1e3',
    '.5',
    '.inf',
    '1:30',
    '190:20:30',
    '2026-01-01',
    '2001-12-14t21:59:43.10-05:00',
    '=',
    '<<',
    '- a',
    'a: b',
    'a #b',
    ' ahead',
    'after ',
    'tab\there',
    'bell\u0007',
    'return\r',
    'mark\ufeff',
    ' \n',
  ])('quotes %j', async (text) => {
    expect(await yamlText({ a: [text] })).toMatch(/^a:\n- ".*"\n$/s);
    expect(await yamlText({ [text]: 'b' })).toMatch(/^".*": b\n$/s);
  });

  it.each(['plain', 'two words', '1.5.0', '1h0m0s', 'v1', 'yesterday', 'é☃', 'tekton.dev/v1', 'a:b', "it's"])(
    'leaves %j as it is',
    async (text) => {
      expect(await yamlText({ a: text })).toBe(`a: ${text}\n`);
    },
  );

  it('sorts, indents no lists, keeps scripts readable and never folds a line', async () => {
    const long = 'word '.repeat(60).trim();
    expect(await yamlText({ b: [{ d: '#!/bin/sh\necho "a: b"\n', c: [1] }], a: long })).toBe(
      `a: ${long}\nb:\n- c:\n  - 1\n  d: |\n    #!/bin/sh\n    echo "a: b"\n`,
    );
  });

  it('names what is there twice twice', async () => {
    const twice = { x: 'z' };
    expect(await yamlText([twice, twice])).toBe('- x: z\n- x: z\n');
  });

  it('is the same value for readers of YAML 1.1 and 1.2', async () => {
    const awkward = fc.stringMatching(/^[-+0-9_.:eExobTynf~=<#'"\\ \n\t]{0,9}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(awkward, fc.string()), { maxLength: 20 }), async (texts) => {
        const value = { texts, nested: texts.map((text) => ({ in: [text] })) };
        const written = await yamlText(value);
        expect(parse(written, { version: '1.1' })).toEqual(value);
        expect(parse(written)).toEqual(value);
      }),
    );
  });
});
