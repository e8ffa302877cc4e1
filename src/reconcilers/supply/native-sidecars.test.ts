import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { nativeSidecarsOf } from './native-sidecars.ts';

const signal = new AbortController().signal;

/** A server of one version after the other, or that refuses; how often it was asked. */
function serverOf(...answers: (string | Error)[]) {
  const clock = new FakeClock('2026-01-01T00:00:00Z');
  let asked = 0;
  const raw = () => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? '';
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(JSON.stringify({ gitVersion: answer }));
  };
  return { has: nativeSidecarsOf({ raw }, clock), clock, asked: () => asked };
}

describe('native sidecars', () => {
  it.each<[string, string | Error, boolean]>([
    ['an older server', 'v1.28.15', false],
    ['an older server of a distribution', 'v1.28.9-gke.1000', false],
    ['the first server that has them', 'v1.29.0', true],
    ['a newer server', 'v1.36.2', true],
    ['a server that does not say', 'unknown', true],
    ['a server that does not tell us', new ApiError(403, { message: 'no' }), true],
  ])('%s', async (_name, answer, expected) => {
    expect(await serverOf(answer).has(signal)).toBe(expected);
  });

  it('are asked for once where they are', async () => {
    const { has, asked } = serverOf('v1.30.0');
    expect([await has(signal), await has(signal), asked()]).toEqual([true, true, 1]);
  });

  it('are found a minute after an upgrade', async () => {
    const { has, clock, asked } = serverOf('v1.28.0', 'v1.29.0');
    expect([await has(signal), await has(signal), asked()]).toEqual([false, false, 1]);
    await clock.advance(60_000);
    expect([await has(signal), asked()]).toEqual([true, 2]);
  });

  it('a server in trouble is asked again', async () => {
    const { has } = serverOf(new ApiError(500, { message: 'etcd' }), 'v1.28.0');
    await expect(has(signal)).rejects.toThrow('etcd');
    expect(await has(signal)).toBe(false);
  });
});
