import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { ResolutionError, type ResolvedDefinition } from '../resolver.ts';
import { ResolutionCache, type CacheRequest } from './cache.ts';
import { usesCache } from './mode.ts';

const definition = (text: string): ResolvedDefinition => ({
  data: Buffer.from(text),
  annotations: { own: 'yes' },
  refSource: { uri: 'https://example.com' },
});

function scene(maxSize = 10) {
  const clock = new FakeClock(new Date('2026-01-02T03:04:05Z'));
  const cache = new ResolutionCache({ maxSize, ttlMs: 300_000 }, clock);
  let fetches = 0;
  const ask = async (change: Partial<CacheRequest> = {}) => {
    const found = await cache.resolve({
      type: 'git',
      key: 'a',
      credentials: [],
      keep: true,
      immutable: true,
      fetch: () => Promise.resolve(definition(`fetch ${(fetches += 1)}`)),
      ...change,
    });
    return `${found.data.toString()}, ${found.annotations['resolution.tekton.dev/cache-operation'] ?? 'not kept'}`;
  };
  return { clock, cache, ask };
}

describe('the cache of resolutions', () => {
  it("keeps an answer for its time, with upstream's annotations", async () => {
    const { ask, clock, cache } = scene();
    expect(await ask()).toBe('fetch 1, store');
    expect(await ask()).toBe('fetch 1, retrieve');
    const found = await cache.resolve({
      type: 'git',
      key: 'a',
      credentials: [],
      keep: true,
      immutable: true,
      fetch: () => Promise.reject(new Error('not asked')),
    });
    expect(found.annotations).toEqual({
      own: 'yes',
      'resolution.tekton.dev/cached': 'true',
      'resolution.tekton.dev/cache-timestamp': '2026-01-02T03:04:05Z',
      'resolution.tekton.dev/cache-resolver-type': 'git',
      'resolution.tekton.dev/cache-operation': 'retrieve',
    });
    await clock.advance(300_000);
    expect(await ask()).toBe('fetch 2, store');
  });

  it('gives what a secret unlocked only to who has the same secret value', async () => {
    const { ask } = scene();
    expect(await ask({ credentials: ['token of team a'] })).toBe('fetch 1, store');
    expect(await ask({ credentials: ['token of team b'] })).toBe('fetch 2, store');
    expect(await ask()).toBe('fetch 3, store');
    expect(await ask({ credentials: ['token of team a'] })).toBe('fetch 1, retrieve');
    // An empty value is a credential too, and two values are not one of both.
    expect(await ask({ credentials: [''] })).toBe('fetch 4, store');
    expect(await ask({ credentials: ['token of', ' team a'] })).toBe('fetch 5, store');
  });

  it.each<[what: string, change: Partial<CacheRequest>]>([
    ['resolvers', { type: 'http' }],
    ['references', { key: 'b' }],
  ])('tells %s apart', async (_what, change) => {
    const { ask } = scene();
    await ask();
    expect(await ask(change)).toBe('fetch 2, store');
  });

  it('keeps nothing that is not to be kept', async () => {
    const { ask } = scene();
    expect(await ask({ keep: false })).toBe('fetch 1, not kept');
    expect(await ask()).toBe('fetch 2, store');
    expect(await ask({ keep: false })).toBe('fetch 3, not kept');
  });

  it('makes one fetch of requests at the same time, and none of different credentials', async () => {
    const { ask } = scene();
    const all = await Promise.all([ask(), ask(), ask(), ask({ credentials: ['x'] }), ask({ keep: false })]);
    expect(all).toEqual(['fetch 1, store', 'fetch 1, store', 'fetch 1, store', 'fetch 2, store', 'fetch 3, not kept']);
  });

  it('keeps no failure', async () => {
    const { ask } = scene();
    const failing = { fetch: () => Promise.reject(new ResolutionError('gone')) };
    await expect(ask(failing)).rejects.toThrow('gone');
    expect(await ask()).toBe('fetch 1, store');
  });

  it('serves what can never change when its server is away, and nothing else', async () => {
    const { ask, clock } = scene();
    await ask();
    await ask({ key: 'branch', immutable: false });
    await clock.advance(300_000);
    const away = { fetch: () => Promise.reject(new ResolutionError('away', { retryable: true })) };
    const refusing = { fetch: () => Promise.reject(new ResolutionError('no')) };
    expect(await ask(away)).toBe('fetch 1, retrieve');
    await expect(ask({ ...away, credentials: ['x'] })).rejects.toThrow('away');
    await expect(ask({ ...away, key: 'branch', immutable: false })).rejects.toThrow('away');
    await expect(ask(refusing)).rejects.toThrow('no');
  });

  it('holds no more than it may, and begins anew with another size', async () => {
    const { ask, cache } = scene(2);
    await ask({ key: 'a' });
    await ask({ key: 'b' });
    await ask({ key: 'c' });
    expect(await ask({ key: 'b' })).toBe('fetch 2, retrieve');
    expect(await ask({ key: 'a' })).toBe('fetch 4, store');
    cache.configure({ maxSize: 3, ttlMs: 1 });
    expect(await ask({ key: 'a' })).toBe('fetch 5, store');
  });
});

describe('whether the cache is used', () => {
  it.each<[asked: string | undefined, setting: string | undefined, immutable: boolean, uses: boolean]>([
    [undefined, undefined, true, true],
    [undefined, undefined, false, false],
    [undefined, 'always', false, true],
    [undefined, 'never', true, false],
    ['always', 'never', false, true],
    ['never', 'always', true, false],
    ['auto', 'always', false, false],
    ['', undefined, true, true],
    [undefined, 'wrong', true, true],
  ])('param %j, default %j, immutable %j: %j', (asked, setting, immutable, uses) => {
    const params = asked === undefined ? [] : [{ name: 'cache', value: asked }];
    expect(usesCache(params, setting === undefined ? {} : { 'default-cache-mode': setting }, immutable)).toBe(uses);
  });

  it("with a mode that is none is told with upstream's text", () => {
    expect(() => usesCache([{ name: 'cache', value: 'ALWAYS' }], {}, true)).toThrow(
      "invalid cache mode 'ALWAYS', must be one of: [always never auto] (or empty for default)",
    );
  });
});
