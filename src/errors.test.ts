import { describe, expect, test } from 'vitest';
import { isAbort, messageOf } from './errors.ts';

describe('messageOf', () => {
  test.each([
    ['a message', new Error('boom'), 'boom'],
    [
      'a cause',
      new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
      'fetch failed: connect ECONNREFUSED',
    ],
    ['a cause already told', new Error('read: EOF', { cause: new Error('EOF') }), 'read: EOF'],
    ['several', new AggregateError([new Error('a'), new Error('b')]), 'a; b'],
    ['no message', new RangeError(), 'RangeError'],
    ['no error', 'text', 'text'],
  ])('%s', (_name, error, wanted) => expect(messageOf(error)).toBe(wanted));
});

describe('isAbort', () => {
  test.each([
    ['an AbortError', new DOMException('x', 'AbortError'), undefined, true],
    ['another error', new Error('x'), undefined, false],
    ["the signal's own reason", 'why', AbortSignal.abort('why'), true],
    ['another error while the signal is aborted', new Error('x'), AbortSignal.abort('why'), false],
  ])('%s', (_name, error, signal, wanted) => expect(isAbort(error, signal)).toBe(wanted));
});
