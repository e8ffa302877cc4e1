import { describe, expect, it } from 'vitest';
import { isValueOf, readValue, signedText } from './value.ts';

describe('the text that is signed', () => {
  const rows: [written: string, value: unknown, signed: string][] = [
    ['hello', 'hello', 'hello'],
    ['hello\n', 'hello\n', 'hello\n'],
    ['', '', ''],
    ['"quoted"', 'quoted', 'quoted'],
    [' "quoted"', 'quoted', 'quoted'],
    ['null', '', ''],
    ['3', '3', '3'],
    ['["a","b"]', ['a', 'b'], 'a,b'],
    ['["a",null]', ['a', ''], 'a,'],
    ['[]', [], ''],
    [' ["a"]', ' ["a"]', ' ["a"]'],
    ['[1]', '[1]', '[1]'],
    ['["a"', '["a"', '["a"'],
    ['{"b":"1","a":"2"}', { b: '1', a: '2' }, 'a,2,b,1'],
    [
      '{"é":"1","z":"2","\u{1f600}":"3","\uffee":"4"}',
      { é: '1', z: '2', '\u{1f600}': '3', '\uffee': '4' },
      'z,2,é,1,\uffee,4,\u{1f600},3',
    ],
    ['{"a":{"b":"c"}}', '{"a":{"b":"c"}}', '{"a":{"b":"c"}}'],
  ];
  it.each(rows)('%j', (written, value, signed) => {
    expect(readValue(written)).toEqual(value);
    expect(signedText(readValue(written))).toBe(signed);
    expect(isValueOf(value, written)).toBe(true);
    expect(isValueOf(written, written)).toBe(true);
    expect(isValueOf(`${written}.`, written)).toBe(false);
  });
});
