import { afterEach, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import type { HttpServer } from '../http-server.ts';
import { serveProfiles } from './profiling.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server?.port}${path}`, init);

it.each([
  ['the list', '/debug/pprof/', 200, /profile\?seconds=30/],
  ['what is not there', '/debug/pprof/goroutine', 404, /one at a time/],
  ['another path', '/metrics', 404, /profile\?seconds/],
  ['no time', '/debug/pprof/profile?seconds=0', 400, /from 1 to 120/],
  ['too long', '/debug/pprof/profile?seconds=121', 400, /from 1 to 120/],
  ['no number', '/debug/pprof/heap?seconds=1e1', 400, /from 1 to 120/],
])('answers %s', async (_name, path, status, text) => {
  server = await serveProfiles(0);
  const answer = await ask(path);
  expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(text)]);
});

it('takes what reads alone', async () => {
  server = await serveProfiles(0);
  expect((await ask('/debug/pprof/profile', { method: 'POST' })).status).toBe(405);
});

it('a profile of the CPU has the functions that ran', async () => {
  const clock = new FakeClock();
  server = await serveProfiles(0, clock);
  const answer = ask('/debug/pprof/profile?seconds=2');
  await expect.poll(() => clock.sleeping).toBe(1);
  const until = performance.now() + 300;
  function burnsTime() {
    while (performance.now() < until) Math.sqrt(until);
  }
  burnsTime();
  await clock.advance(2_000);
  const { nodes } = (await (await answer).json()) as { nodes: { callFrame: { functionName: string } }[] };
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('burnsTime');
});

it('a profile of the heap has stacks and no contents, one profile is taken at a time, and a caller that leaves ends it', async () => {
  const clock = new FakeClock();
  server = await serveProfiles(0, clock);
  const secret = `secret-${'x'.repeat(100)}`;
  const first = ask('/debug/pprof/heap?seconds=60');
  await expect.poll(() => clock.sleeping).toBe(1);
  const second = await ask('/debug/pprof/profile');
  expect([second.status, await second.text()]).toEqual([503, expect.stringContaining('being taken already')]);
  await clock.advance(60_000);
  const profile = await (await first).text();
  expect(JSON.parse(profile)).toHaveProperty('head.callFrame');
  expect(profile).not.toContain(secret);

  const left = new AbortController();
  const third = ask('/debug/pprof/heap', { signal: left.signal });
  await expect.poll(() => clock.sleeping).toBe(1);
  left.abort();
  await expect(third).rejects.toThrow();
  await expect.poll(() => clock.sleeping).toBe(0);
  void ask('/debug/pprof/heap').catch(() => undefined);
  await expect.poll(() => clock.sleeping).toBe(1);
});
