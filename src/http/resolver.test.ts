import { expect, it } from 'vitest';
import { systemResolver } from './resolver.ts';

const signal = AbortSignal.timeout(10_000);

it.each([
  ['127.0.0.1', ['127.0.0.1']],
  ['[::1]', ['::1']],
])('an address is itself: %s', async (hostname, addresses) => {
  expect(await systemResolver({})(hostname, signal)).toEqual(addresses);
});

it('names are those of /etc/hosts too', async () => {
  const found = await systemResolver({})('localhost', signal);
  expect(found.every((address) => ['127.0.0.1', '::1'].includes(address))).toBe(true);
  expect(found).not.toEqual([]);
});

it('a caller who goes does not wait', async () => {
  await expect(systemResolver({})('localhost', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
