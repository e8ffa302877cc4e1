import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { ResolutionCache } from './cache/cache.ts';
import { execute } from './executor.ts';
import { ResolutionError, type ConfigData, type Resolver } from './resolver.ts';

/** The pauses between the tries of a fetch that always fails; time passes only in them. */
async function pausesOf(config: ConfigData, retryable = true): Promise<number[]> {
  const pauses: number[] = [];
  let time = 0;
  const clock: Clock = {
    now: () => new Date(time),
    monotonic: () => time,
    sleep: (ms) => {
      pauses.push(ms);
      time += ms;
      return Promise.resolve();
    },
  };
  const resolver: Resolver = {
    type: 'http',
    title: 'Http',
    configName: 'http-resolver-config',
    timeoutMs: () => 60_000,
    prepare: () => ({
      immutable: false,
      cacheKey: 'key',
      unlock: () =>
        Promise.resolve({
          credentials: [],
          fetch: () => Promise.reject(new ResolutionError('it is away', { retryable })),
        }),
    }),
  };
  const cache = new ResolutionCache({ maxSize: 10, ttlMs: 1000 }, clock);
  const execution = { resolver, request: { namespace: 'team', params: [] }, config, spentMs: 0 };
  const running = execute(execution, { cache, clock, random: () => 0.5 }, new AbortController().signal);
  await expect(running).rejects.toThrow('it is away');
  return pauses;
}

describe('a server that is away', () => {
  it.each<[name: string, config: ConfigData, pauses: number[]]>([
    [
      'is asked again with growing pauses until the time limit',
      {},
      [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000],
    ],
    ['first after backoff-duration', { 'backoff-duration': '20s' }, [10_000, 10_000, 10_000, 10_000, 10_000]],
    ['not longer apart than backoff-cap', { 'backoff-cap': '30s', 'backoff-duration': '16s' }, [16_000, 30_000]],
    ['after as many pauses as backoff-steps leaves', { 'backoff-steps': '3' }, [250, 500]],
    ['once with backoff-steps 1', { 'backoff-steps': '1' }, []],
    ['further apart by backoff-factor', { 'backoff-factor': '10', 'backoff-steps': '4' }, [250, 2500, 10_000]],
    ['later by up to backoff-jitter', { 'backoff-jitter': '1', 'backoff-steps': '3' }, [375, 750]],
    [
      'as without a setting that is not valid',
      { 'backoff-steps': 'many', 'backoff-duration': '-1s' },
      [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000],
    ],
  ])('%s', async (_name, config, pauses) => {
    expect(await pausesOf(config)).toEqual(pauses);
  });

  it('is not asked again about what will not change', async () => {
    expect(await pausesOf({}, false)).toEqual([]);
  });
});
