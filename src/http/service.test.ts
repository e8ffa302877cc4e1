import { describe, expect, it, afterEach } from 'vitest';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { FakeClock } from '../clock.fake.ts';
import { startServer, type FakeServer } from './http-server.fake.ts';
import { joinUrl, jsonOf, request } from './service.ts';

const signal = new AbortController().signal;
let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
const wanted = (url: string) => ({ service: 'Rekor', url, wayOut: 'look there', body: { a: 1 } });

/** Lets every pause pass at once, and keeps its length. */
class HurriedClock extends FakeClock {
  readonly pauses: number[] = [];
  override async sleep(ms: number): Promise<void> {
    this.pauses.push(ms);
  }
}

describe('request', () => {
  it.each([408, 429, 500, 503])('tries again after %d', async (status) => {
    server = await startServer((_, earlier) =>
      earlier < 2 ? { status, body: { message: 'later' } } : { body: { ok: true } },
    );
    const clock = new HurriedClock();
    expect(jsonOf(wanted(''), await request(wanted(server.url), signal, clock))).toEqual({ ok: true });
    expect(clock.pauses).toHaveLength(2);
  });

  it.each([400, 401, 403, 404, 409])('does not try again after %d', async (status) => {
    server = await startServer(() => ({ status, body: { message: 'no' } }));
    await expect(request(wanted(server.url), signal)).rejects.toMatchObject({
      status,
      message: expect.stringMatching(new RegExp(`^Rekor http://.*: ${status} .*: no; look there$`)) as string,
    });
    expect(server.requests).toHaveLength(1);
  });

  it('waits as long as it is told to, and not beyond its deadline', async () => {
    server = await startServer((_, earlier) => ({
      status: 503,
      headers: { 'retry-after': earlier === 0 ? '2' : '3' },
      body: 'overloaded',
    }));
    const clock = new HurriedClock();
    await expect(request(wanted(server.url), signal, clock)).rejects.toMatchObject({
      status: 503,
      retryable: true,
      message: expect.stringContaining(': overloaded;') as string,
    });
    expect(server.requests).toHaveLength(3);
    expect(clock.pauses).toEqual([2_000, 3_000]);
  });

  it('names an address that nobody answers', async () => {
    const { url, close } = await startServer(() => ({}));
    await close();
    await expect(request({ ...wanted(`${url}/x`), attempts: 1 }, signal)).rejects.toThrow(
      /^Rekor http:\/\/127\.0\.0\.1:\d+\/x: .* cannot be reached: .*ECONNREFUSED.*; look there$/,
    );
  });

  it('names a service that is silent', async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(mute.address() as AddressInfo).port}/`;
      await expect(request({ ...wanted(url), attempts: 1, timeoutMs: 50 }, signal)).rejects.toThrow(
        /did not answer in full within 0\.05 s; look there/,
      );
    } finally {
      mute.close();
    }
  });

  it('stops with its caller, whatever the service does', async () => {
    const stop = new AbortController();
    server = await startServer(() => {
      stop.abort(new Error('enough'));
      return { status: 503 };
    });
    await expect(request(wanted(server.url), stop.signal)).rejects.toThrow('enough');
    expect(server.requests).toHaveLength(1);
  });

  it('does not read an endless answer', async () => {
    server = await startServer(() => ({ body: Buffer.alloc(17 * 1024 * 1024) }));
    await expect(request({ ...wanted(server.url), attempts: 1 }, signal)).rejects.toThrow(/more than 16777216 bytes/);
  });

  it('says that an answer is not JSON', async () => {
    server = await startServer(() => ({ body: '<html>' }));
    const answer = await request(wanted(server.url), signal);
    expect(() => jsonOf(wanted(server!.url), answer)).toThrow(/the answer is not JSON; look there/);
  });
});

describe('joinUrl', () => {
  it.each([
    ['https://x', 'a/b', 'https://x/a/b'],
    ['https://x/', '/a', 'https://x/a'],
    ['https://x/base//', 'a', 'https://x/base/a'],
  ])('%s and %s', (base, path, whole) => {
    expect(joinUrl(base, path)).toBe(whole);
  });
});
