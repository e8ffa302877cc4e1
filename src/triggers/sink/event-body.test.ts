import { describe, expect, it } from 'vitest';
import { EventBody } from './event-body.ts';

describe("an event's body", () => {
  it.each<[string, Buffer, boolean]>([
    ['text', Buffer.from('{"a":"é"}'), true],
    ['text that begins with a byte order mark', Buffer.from('\uFEFF{}'), true],
    ['nothing', Buffer.alloc(0), true],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), false],
    ['half of a pair as three bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), false],
  ])('knows whether its text has the very bytes of %s', (_name, bytes, isExact) => {
    expect(EventBody.of(bytes).isExactly(bytes)).toBe(isExact);
    expect(EventBody.of(Buffer.from(bytes)).isExactly(Buffer.from(bytes))).toBe(isExact);
  });

  it('is not exactly other bytes', () => {
    expect(EventBody.of(Buffer.from('{}')).isExactly(Buffer.from('{} '))).toBe(false);
  });

  it('is read and quoted once, however often it is asked for', () => {
    const body = new EventBody('{"a":[1,"\\n"]}');
    expect(body.json).toEqual({ a: [1, '\n'] });
    expect(body.json).toBe(body.json);
    expect(JSON.parse(body.quoted)).toBe(body.text);
  });

  it.each<[string, boolean]>([
    ['{}', true],
    ['null', false],
    ['[]', false],
    ['1', false],
    ['{', false],
  ])('%s is an object: %s', (text, isObject) => {
    expect(new EventBody(text).isObject).toBe(isObject);
  });
});
