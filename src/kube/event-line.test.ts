import { describe, expect, test } from 'vitest';
import { EventLine, type PendingEvent } from './event-line.ts';

function pending(key: string, important = false): PendingEvent {
  return {
    key,
    event: { metadata: {}, involvedObject: {}, message: key },
    repeats: 1,
    lastTimestamp: '2026-01-01T00:00:00Z',
    important,
  };
}
const taken = (line: EventLine) => {
  const keys: string[] = [];
  for (let next = line.take(); next; next = line.take()) keys.push(next.key);
  return keys;
};

describe('EventLine', () => {
  test('important ones first, namespaces in turn', () => {
    const line = new EventLine(100);
    for (const key of ['a/1', 'a/2']) line.put(pending(key));
    for (const key of ['a/3', 'a/4', 'b/1']) line.put(pending(key, true));
    expect(taken(line)).toEqual(['a/3', 'b/1', 'a/4', 'a/1', 'a/2']);
  });

  test('a repeat of what waits is counted on it', () => {
    const line = new EventLine(100);
    line.put(pending('a/1'));
    line.put({ ...pending('a/1'), lastTimestamp: '2026-01-01T00:00:09Z' });
    expect(line.take()).toMatchObject({ repeats: 2, lastTimestamp: '2026-01-01T00:00:09Z' });
    expect(line.size).toBe(1);
  });

  test('a repeat of what is being written waits for its end', () => {
    const line = new EventLine(100);
    line.put(pending('a/1'));
    line.take();
    line.put(pending('a/1'));
    expect(line.take()).toBeUndefined();
    line.written('a/1');
    expect(line.take()?.key).toBe('a/1');
  });

  test.each([
    ['the oldest of the namespace with the most', ['a/1', 'a/2', 'b/1', 'b/2', 'b/3'], 'b/1'],
    ['one that is not important, whoever has most', ['!a/1', '!a/2', '!a/3', '!a/4', 'b/1'], 'b/1'],
    ['an important one where all are', ['!a/1', '!a/2', '!a/3', '!a/4', '!b/1'], 'a/1'],
  ])('of too many goes %s', (_name, keys, victim) => {
    const line = new EventLine(4);
    const victims = keys.map((key) => line.put(pending(key.replace('!', ''), key.startsWith('!')))?.key);
    expect(victims).toEqual([undefined, undefined, undefined, undefined, victim]);
    expect(taken(line)).not.toContain(victim);
  });
});
