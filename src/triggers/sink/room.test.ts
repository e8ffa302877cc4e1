import { describe, expect, it } from 'vitest';
import { admitted, Room } from './room.ts';

describe('room for events', () => {
  it('is of so many events and so many bytes', () => {
    const room = new Room({ events: 2, bytes: 10 });
    expect([room.hasFor(10), room.hasFor(11)]).toEqual([true, false]);
    room.take(4);
    expect([room.hasFor(6), room.hasFor(7)]).toEqual([true, false]);
    room.take(1);
    expect(room.hasFor(0)).toBe(false);
    room.give(4);
    expect(room.hasFor(9)).toBe(true);
  });

  it('is taken in all of several or in none, and given back in all', () => {
    const [own, all] = [new Room({ events: 9, bytes: 5 }), new Room({ events: 9, bytes: 8 })];
    const leave = admitted([own, all], 5);
    expect([admitted([own, all], 1), own.hasFor(1), all.hasFor(3)]).toEqual([undefined, false, true]);
    // Another listener's share of what all have.
    expect(admitted([new Room({ events: 9, bytes: 5 }), all], 4)).toBeUndefined();
    leave?.();
    expect([own.hasFor(5), all.hasFor(8)]).toEqual([true, true]);
  });
});
