import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineTest } from './log-search.ts';
import { LogStore } from './log-store.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const stamp = '2026-01-01T00:00:00.000000001Z';

function storeOf(text: string, isStamped = false): LogStore {
  const store = new LogStore({ isStamped });
  store.append(bytes(text));
  store.end();
  return store;
}

const texts = (store: LogStore) => Array.from({ length: store.lines }, (_, at) => store.line(at).text);

describe('a log', () => {
  it('has the same lines however it comes in pieces', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (lines, size) => {
        const all = bytes(lines.map((each) => `${each}\n`).join(''));
        const store = new LogStore({ isStamped: false });
        for (let from = 0; from < all.length; from += size) store.append(all.subarray(from, from + size));
        expect(texts(store)).toEqual(lines);
        expect(store.bytes).toBe(all.length);
      }),
    );
  });

  it('shows its last line while that is being written', () => {
    const store = new LogStore({ isStamped: false });
    store.append(bytes('one\ntw'));
    expect(texts(store)).toEqual(['one', 'tw']);
    store.append(bytes('o\n'));
    expect(texts(store)).toEqual(['one', 'two']);
  });

  it('takes times off where the source writes them, and nowhere else', () => {
    expect(storeOf(`${stamp} hello\n${stamp} \n`, true).line(0)).toEqual({ time: stamp, text: 'hello' });
    expect(storeOf(`${stamp} hello\n`, true).lines).toBe(1);
    expect(storeOf(`${stamp} hello\n`).line(0)).toEqual({ text: `${stamp} hello` });
    expect(storeOf('no time\n', true).line(0)).toEqual({ text: 'no time' });
  });

  it('crosses its blocks', () => {
    const line = 'x'.repeat(999);
    const store = new LogStore({ isStamped: false });
    for (let at = 0; at < 3000; at += 1) store.append(bytes(`${line}\n`));
    expect(store.lines).toBe(3000);
    for (const at of [0, 1047, 1048, 1049, 2097, 2999]) expect(store.line(at).text).toBe(line);
  });

  it('of one endless line shows its beginning, and how much there is', () => {
    const { text } = storeOf('y'.repeat(100_000)).line(0);
    expect(text.length).toBeLessThan(17_000);
    expect(text).toMatch(/y \.\.\. and \d+ more bytes$/);
  });

  it.each([
    { what: 'bytes', options: { mostBytes: 10 }, lines: 2 },
    { what: 'lines', options: { mostLines: 3 }, lines: 3 },
  ])('that is too long is kept up to a number of $what, and says so', ({ options, lines }) => {
    const store = new LogStore({ isStamped: false, ...options });
    for (let at = 0; at < 5; at += 1) store.append(bytes('aaaaaaa\n'));
    expect([store.lines, store.isCut]).toEqual([lines, true]);
  });

  it('that is not text is shown as far as it is', () => {
    const store = new LogStore({ isStamped: false });
    store.append(new Uint8Array([0xff, 0xfe, 0x41, 0x0a]));
    expect(store.line(0).text).toBe('\ufffd\ufffdA');
  });
});

describe('groups of a log', () => {
  it.each([
    { log: '::group::a\nx\n::endgroup::\ny\n', groups: [{ start: 0, end: 2 }] },
    {
      log: 'x\n::group::a\n::group::b\ny\n::endgroup::\n',
      groups: [
        { start: 1, end: 1 },
        { start: 2, end: 4 },
      ],
    },
    { log: '::group::open\nx\n', groups: [{ start: 0 }] },
    { log: '::endgroup::\n x ::group::no\n', groups: [] },
  ])('$log', ({ log, groups }) => {
    expect(storeOf(log).groups).toEqual(groups);
  });

  it('are found behind times', () => {
    expect(storeOf(`${stamp} ::group::a\n${stamp} ::endgroup::\n`, true).groups).toEqual([{ start: 0, end: 1 }]);
  });
});

describe('a search', () => {
  it.each([
    { search: 'Err', isExpression: false, line: 'an ERROR', found: true },
    { search: 'a.c', isExpression: false, line: 'abc', found: false },
    { search: 'a.c', isExpression: true, line: 'ABC', found: true },
    { search: 'red', isExpression: false, line: '\u001b[31mr\u001b[0med', found: true },
    { search: '31m', isExpression: false, line: '\u001b[31mred', found: false },
  ])('for $search in $line', ({ search, isExpression, line, found }) => {
    expect(lineTest(search, isExpression)(line)).toBe(found);
  });

  it.each(['(', 'x'.repeat(600)])('that cannot be read is refused: %s', (search) => {
    expect(() => lineTest(search, true)).toThrow();
  });
});
