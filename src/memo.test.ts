import { expect, it, vi } from 'vitest';
import { onceFor } from './memo.ts';

it('what follows from an object is worked out once for it, also when that is nothing', () => {
  const workOut = vi.fn(({ size }: { size: number }) => (size > 1 ? size : undefined));
  const once = onceFor(workOut);
  const [small, large] = [{ size: 1 }, { size: 2 }];
  expect([once(small), once(large), once(small), once(large)]).toEqual([undefined, 2, undefined, 2]);
  expect(workOut).toHaveBeenCalledTimes(2);
});

it('an equal object is another', () => {
  const workOut = vi.fn(() => 'made');
  const once = onceFor(workOut);
  once({});
  once({});
  expect(workOut).toHaveBeenCalledTimes(2);
});

it('a failure is not kept', () => {
  let tries = 0;
  const once = onceFor(() => {
    tries += 1;
    if (tries === 1) throw new Error('at first');
    return tries;
  });
  const key = {};
  expect(() => once(key)).toThrow('at first');
  expect(once(key)).toBe(2);
});
