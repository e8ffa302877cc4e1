import { describe, expect, it } from 'vitest';
import type { ToldRun } from './event.ts';
import { Outbox, type Pending } from './outbox.ts';

const run = (name: string, uid = name): ToldRun => ({ metadata: { name, namespace: 'ns', uid }, spec: {} });
const time = new Date(0);
const event = (type: string, id = type): Pending => ({
  type,
  id,
  isEnd: type === 'failed' || type === 'successful',
  time,
  tries: 0,
  notBefore: time,
});
const drain = (box: Outbox, key: string) => {
  const seen: string[] = [];
  for (let head = box.head(key); head; head = box.head(key)) {
    seen.push(head.event.id);
    box.done(key, head.event);
  }
  return seen;
};

describe('Outbox', () => {
  it('gives the events of a run in order', () => {
    const box = new Outbox(10);
    for (const type of ['queued', 'started', 'failed']) box.add('ns/a', run('a'), event(type));
    box.add('ns/b', run('b'), event('queued'));
    expect(box.size).toBe(4);
    expect(drain(box, 'ns/a')).toEqual(['queued', 'started', 'failed']);
    expect(box.size).toBe(1);
  });

  it('keeps the newest of a type behind the one that may be on its way', () => {
    const box = new Outbox(10);
    for (const id of ['u1', 'u2', 'u3']) box.add('ns/a', run('a'), event('unknown', id));
    expect(box.size).toBe(2);
    expect(drain(box, 'ns/a')).toEqual(['u1', 'u3']);
  });

  it('forgets what it had of a run that was deleted and made anew', () => {
    const box = new Outbox(10);
    box.add('ns/a', run('a', 'u1'), event('queued', 'old'));
    box.add('ns/a', run('a', 'u2'), event('queued', 'new'));
    expect(drain(box, 'ns/a')).toEqual(['new']);
    expect(box.size).toBe(0);
  });

  it('gives up the oldest that is no end when it is full, and ends last', () => {
    const box = new Outbox(2);
    expect(box.add('ns/a', run('a'), event('failed', 'a'))).toBeUndefined();
    expect(box.add('ns/b', run('b'), event('queued', 'b'))).toBeUndefined();
    expect(box.add('ns/c', run('c'), event('failed', 'c'))?.event.id).toBe('b');
    expect(box.add('ns/d', run('d'), event('failed', 'd'))?.event.id).toBe('a');
    expect(box.size).toBe(2);
  });

  it('drops what another replica tells', () => {
    const box = new Outbox(5);
    box.add('ns/a', run('a'), event('queued'));
    box.add('ns/b', run('b'), event('queued'));
    box.drop((key) => key === 'ns/a');
    expect([box.size, box.head('ns/a'), box.head('ns/b')?.event.id]).toEqual([1, undefined, 'queued']);
  });
});
