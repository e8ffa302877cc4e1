import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandOf, piecesOf, plainText } from './log-text.ts';

describe('a line of a log', () => {
  it.each<{ what: string; line: string; pieces: object[] }>([
    { what: 'plain', line: 'hello', pieces: [{ text: 'hello', styles: [] }] },
    {
      what: 'markup is text',
      line: '<b onclick=alert(1)>&amp;',
      pieces: [{ text: '<b onclick=alert(1)>&amp;', styles: [] }],
    },
    {
      what: 'colours and weight',
      line: '\u001b[1;31mred\u001b[0m plain',
      pieces: [
        { text: 'red', styles: ['ansi-red', 'bold'] },
        { text: ' plain', styles: [] },
      ],
    },
    { what: 'background', line: '\u001b[44mx', pieces: [{ text: 'x', styles: ['on-ansi-blue'] }] },
    { what: '256 colours', line: '\u001b[38;5;208mx', pieces: [{ text: 'x', styles: [], colour: 'rgb(255, 135, 0)' }] },
    {
      what: '16 million',
      line: '\u001b[48;2;1;2;3mx',
      pieces: [{ text: 'x', styles: [], background: 'rgb(1, 2, 3)' }],
    },
    { what: 'nothing is hidden', line: '\u001b[8msecret', pieces: [{ text: 'secret', styles: [] }] },
    { what: 'the cursor is not moved', line: 'a\u001b[2Jb\u001b[1;1Hc', pieces: [{ text: 'abc', styles: [] }] },
    { what: 'a title is not set', line: '\u001b]0;evil\u0007text', pieces: [{ text: 'text', styles: [] }] },
    {
      what: 'a link of the terminal shows its text alone',
      line: '\u001b]8;;https://evil.example\u0007bank\u001b]8;;\u0007',
      pieces: [{ text: 'bank', styles: [] }],
    },
    { what: 'direction marks are seen', line: 'a\u202ecod.exe', pieces: [{ text: 'a<U+202E>cod.exe', styles: [] }] },
    { what: 'a progress bar ends as it ended', line: '10%\r50%\r100%', pieces: [{ text: '100%', styles: [] }] },
    {
      what: 'an address is a link, the sentence around it is not',
      line: 'see https://example.com/a?b=c.',
      pieces: [
        { text: 'see ', styles: [] },
        { text: 'https://example.com/a?b=c', link: 'https://example.com/a?b=c', styles: [] },
        { text: '.', styles: [] },
      ],
    },
    { what: 'a script is no link', line: 'javascript:alert(1)', pieces: [{ text: 'javascript:alert(1)', styles: [] }] },
  ])('$what', ({ line, pieces }) => {
    expect(piecesOf(line)).toEqual(pieces);
  });

  it('never fails, and leaves nothing that acts on a terminal or a page', () => {
    const part = fc.constantFrom(
      '\u001b',
      '[',
      ']',
      '31',
      ';',
      'm',
      'J',
      '\u0007',
      '\\',
      'P',
      'a',
      '\r',
      'https://',
      '\u202e',
      '\u009b',
      'x.y',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const pieces = piecesOf(parts.join(''));
        expect(pieces.map(({ text }) => text).join('')).not.toMatch(
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/,
        );
        for (const { link = 'https://', styles } of pieces) {
          expect(link).toMatch(/^https?:\/\//);
          for (const style of styles) expect(style).toMatch(/^[a-z-]+$/);
        }
      }),
    );
  });

  it('with a change of colour at each letter is cut', () => {
    const pieces = piecesOf('\u001b[31ma\u001b[32mb'.repeat(2_000));
    expect(pieces.length).toBeLessThan(600);
    expect(pieces.at(-1)?.text).toMatch(/3\d{3} more changes of colour/);
  });

  it('is searched as it is read', () => {
    expect(plainText('\u001b[1mbold\u001b[0m \u001b]0;t\u0007x')).toBe('bold x');
  });
});

describe('commands', () => {
  it.each([
    { line: '::group::Set up', command: { level: 'group', text: 'Set up' } },
    { line: '::endgroup::', command: { level: 'endgroup', text: '' } },
    { line: '::error file=a.ts,line=3::no: this', command: { level: 'error', place: 'a.ts:3', text: 'no: this' } },
    { line: '::warning::w', command: { level: 'warning', text: 'w' } },
    { line: '::set-output name=x::y', command: undefined },
    { line: ' ::error::x', command: undefined },
  ])('$line', ({ line, command }) => {
    expect(commandOf(line)).toEqual(command);
  });

  it('do not make a long line long to read', () => {
    expect(commandOf(`::error ${':a'.repeat(50_000)}`)).toBeUndefined();
  });
});
