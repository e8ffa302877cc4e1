import { expect, it } from 'vitest';
import { TokenStore, type Token } from './tokens.ts';

const signal = new AbortController().signal;
const at = (ms: number) => () => ms;
const token = (value: string, renewAt = 1_000): Token => ({ value, renewAt });

it('keeps a token until it is to be renewed', async () => {
  const store = new TokenStore();
  let fetched = 0;
  const fetch = () => Promise.resolve(token(`T${(fetched += 1)}`));
  const values = [];
  for (const now of [0, 999, 1_000]) values.push((await store.get('k', at(now), fetch, signal)).value);
  store.delete('k');
  values.push((await store.get('k', at(0), fetch, signal)).value);
  expect(values).toEqual(['T1', 'T1', 'T2', 'T3']);
});

it('fetches once for all who ask at the same time', async () => {
  const store = new TokenStore();
  const { promise, resolve } = Promise.withResolvers<Token>();
  let fetched = 0;
  const fetch = () => {
    fetched += 1;
    return promise;
  };
  const all = [1, 2, 3].map(() => store.get('k', at(0), fetch, signal));
  resolve(token('T'));
  expect([(await Promise.all(all)).map(({ value }) => value), fetched]).toEqual([['T', 'T', 'T'], 1]);
});

it("does not make one caller's failure the others'", async () => {
  const store = new TokenStore();
  const failing = store.get('k', at(0), () => Promise.reject(new Error('aborted')), signal);
  const waiting = store.get('k', at(0), () => Promise.resolve(token('T')), signal);
  await expect(failing).rejects.toThrow('aborted');
  expect((await waiting).value).toBe('T');
});

it('lets a caller go who waits for another', async () => {
  const store = new TokenStore();
  const stop = new AbortController();
  void store.get('k', at(0), () => new Promise<Token>(() => undefined), signal);
  const waiting = store.get('k', at(0), () => Promise.resolve(token('T')), stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

it('stays within 4 MiB, whatever registries send', async () => {
  const store = new TokenStore();
  for (let n = 0; n < 1_000; n += 1)
    await store.get(`repository:${n}:pull`, at(0), () => Promise.resolve(token('x'.repeat(16 * 1024))), signal);
  expect(store.size).toBeLessThanOrEqual(4 * 1024 * 1024);
  let fetched = false;
  const again = () => Promise.resolve(token((fetched = true) && 'T'));
  await store.get('repository:0:pull', at(0), again, signal);
  expect(fetched).toBe(true);
});
