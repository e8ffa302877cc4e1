import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from './lines.ts';

describe('LineSplitter', () => {
  test('keeps a character whole that is split over chunks', () => {
    const bytes = Buffer.from('{"name":"größe 🚀"}\n');
    for (let cut = 1; cut < bytes.length; cut++) {
      const splitter = new LineSplitter();
      expect([...splitter.push(bytes.subarray(0, cut)), ...splitter.push(bytes.subarray(cut))]).toEqual([
        '{"name":"größe 🚀"}',
      ]);
    }
  });

  test('gives no line without its end', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('{"a":1}\n{"b":'))).toEqual(['{"a":1}']);
    expect(splitter.pending).toBe(5);
  });

  test('leaves out empty lines and carriage returns', () => {
    expect(new LineSplitter().push(Buffer.from('a\r\n\n\nb\n'))).toEqual(['a', 'b']);
  });

  test('does not depend on memory that the socket uses again', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.from('ab');
    splitter.push(chunk);
    chunk.fill('x');
    expect(splitter.push(Buffer.from('c\n'))).toEqual(['abc']);
  });

  test('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', minLength: 1 }).map((s) => s.replace(/\s/g, '_'))),
        fc.array(fc.nat(40)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const splitter = new LineSplitter();
          const seen: string[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            seen.push(...splitter.push(bytes.subarray(at, at + cut)));
            at = Math.min(bytes.length, at + cut);
          }
          expect(seen).toEqual(lines.map((line) => Buffer.from(line).toString()));
        },
      ),
    );
  });
});
