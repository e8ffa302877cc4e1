import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from './lines.ts';

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

async function collect(text: string, sizes: readonly number[] = []): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(chunksOf(Buffer.from(text), sizes))) lines.push(line);
  return lines;
}

describe('linesOf', () => {
  it.each([
    ['nothing', '', []],
    ['lines', 'a\nb\n', ['a', 'b']],
    ['an unfinished line', 'a\nb', ['a', 'b']],
    ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
    ['spaces as they are', '  a  \n', ['  a  ']],
    ['line ends of Windows', 'a\r\nb\r\n', ['a', 'b']],
    ['a progress bar', '10%\r20%\n', ['10%\r20%']],
  ])('%s', async (_name, text, expected) => {
    expect(await collect(text)).toEqual(expected);
  });

  it('does not depend on where the stream is cut, not even within a character', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat({ max: 5 })), async (lines, sizes) => {
        expect(await collect(lines.map((text) => `${text}\n`).join(''), sizes)).toEqual(lines);
      }),
    );
  });
});
