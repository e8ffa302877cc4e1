import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger, silentLogger } from '../log.ts';
import { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import type { InformerOptions } from './informer.ts';
import {
  MisbehavingServer,
  bookmark,
  failure,
  hangUp,
  json,
  line,
  list,
  pod,
  stream,
} from './misbehaving-server.fake.ts';
import { pods } from './resources.ts';
import type { Pod } from './resources.ts';
import { ChangeHandlerError } from './store.ts';

let server: MisbehavingServer;
let client: KubeClient;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  server = await MisbehavingServer.start();
  client = new KubeClient(server.config());
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.allSettled(running);
  await client.close(true);
  await server.kill();
});

async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** Starts an informer; `log` is every change as "type name@version". */
function inform(options: Partial<InformerOptions<Pod>> = {}) {
  const informer = new Informer<Pod>({ client, resource: pods, log: silentLogger, random: () => 0, ...options });
  const log: string[] = [];
  informer.onChange(({ type, object }) =>
    log.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`),
  );
  const end = informer.run(stop.signal);
  running.push(end);
  return { informer, log, end };
}
const gone = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    status: 'Failure',
    code: 410,
    reason: 'Expired',
    message: 'too old resource version: 5 (9)',
  },
};

describe('a watch goes on', () => {
  test('from the last bookmark when the connection is dropped', async () => {
    server
      .reply(list(5, [pod('a', 3)]))
      .watch(
        stream([line('MODIFIED', pod('a', 7)), bookmark(40)], 'cut'),
        stream([line('ADDED', pod('b', 41))], 'hold'),
      );
    const { log, informer } = inform();
    await until(() => log.length === 3);
    expect(log).toEqual(['added a@3', 'updated a@7', 'added b@41']);
    expect(server.watchedFrom).toEqual(['5', '40']);
    expect(server.watches[0]?.query.get('allowWatchBookmarks')).toBe('true');
    expect(Number(server.watches[0]?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
    expect(informer.lists).toBe(1);
  });

  test('when the server ends it in the ordinary way, without pause and without a new list', async () => {
    server
      .reply(list(5, []))
      .watch(
        stream([line('ADDED', pod('a', 6))], 'end'),
        stream([line('DELETED', pod('a', 7))], 'end'),
        stream([line('ADDED', pod('c', 8))], 'hold'),
      );
    const { log } = inform();
    await until(() => log.length === 3);
    expect(log).toEqual(['added a@6', 'deleted a@6', 'added c@8']);
    expect(server.watchedFrom).toEqual(['5', '6', '7']);
    expect(server.others).toHaveLength(1);
  });

  test('after half a line: that event comes again, whole', async () => {
    const whole = line('ADDED', pod('größe-🚀', 7));
    const bytes = Buffer.from(whole);
    server
      .reply(list(5, []))
      .watch(
        stream([line('ADDED', pod('a', 6)), bytes.subarray(0, bytes.length - 20)], 'cut'),
        stream([bytes.subarray(0, 60), bytes.subarray(60)], 'hold'),
      );
    const { log } = inform();
    await until(() => log.length === 2);
    expect(log).toEqual(['added a@6', 'added größe-🚀@7']);
    expect(server.watchedFrom).toEqual(['5', '6']);
  });

  test('after half a line even when the answer ends well', async () => {
    server
      .reply(list(5, []))
      .watch(stream([line('ADDED', pod('a', 6)).slice(0, 50)], 'end'), stream([line('ADDED', pod('a', 6))], 'hold'));
    const { log } = inform();
    await until(() => log.length === 1);
    expect(server.watchedFrom).toEqual(['5', '5']);
  });

  test('byte by byte', async () => {
    const events = line('ADDED', pod('é', 6)) + line('MODIFIED', pod('é', 7));
    server.reply(list(5, [])).watch(
      stream(
        [...Buffer.from(events)].map((byte) => Uint8Array.of(byte)),
        'hold',
      ),
    );
    const { log } = inform({ idleMs: 150 });
    await until(() => log.length === 2);
    expect(log).toEqual(['added é@6', 'updated é@7']);
    // Longer than the idle limit in all, but never silent.
    expect(server.watches).toHaveLength(1);
  });

  test('after lines that are no events', async () => {
    server
      .reply(list(5, []))
      .watch(
        stream(['<html>502</html>\n'], 'hold'),
        stream(['{"type":"NEWS","object":{}}\n'], 'hold'),
        stream(['{"type":"ADDED","object":{"metadata":{}}}\n'], 'hold'),
        stream([line('ADDED', pod('a', 6))], 'hold'),
      );
    const { log } = inform();
    await until(() => log.length === 1);
    expect(server.watchedFrom).toEqual(['5', '5', '5', '5']);
  });

  test('when the line goes dead in silence', async () => {
    server.reply(list(5, [])).watch(stream([bookmark(30)], 'hold'), stream([line('ADDED', pod('a', 31))], 'hold'));
    const { log } = inform({ idleMs: 60 });
    await until(() => log.length === 1);
    expect(server.watchedFrom.slice(0, 2)).toEqual(['5', '30']);
  });

  test('when the server asks for patience with 429', async () => {
    const started = performance.now();
    server
      .reply(list(5, []))
      .watch(failure(429, 'TooManyRequests', {}, { 'retry-after': '1' }), stream([line('ADDED', pod('a', 6))], 'hold'));
    const { log } = inform();
    await until(() => log.length === 1);
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(server.watches).toHaveLength(2);
  });

  test('after ERROR events that are no 410', async () => {
    server
      .reply(list(5, []))
      .watch(
        stream(
          [line('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd: leader changed' })],
          'end',
        ),
        stream([line('ADDED', pod('a', 6))], 'hold'),
      );
    const { log, informer } = inform();
    await until(() => log.length === 1);
    expect(server.watchedFrom).toEqual(['5', '5']);
    expect(informer.lists).toBe(1);
  });

  test('and leaves no connection behind when an ERROR event is not followed by the end', async () => {
    const error = line('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'x' });
    server
      .reply(list(5, []))
      .watch(
        ...Array.from({ length: 10 }, () => stream([error], 'hold')),
        stream([line('ADDED', pod('a', 6))], 'hold'),
      );
    const { log } = inform({ longestPauseMs: 4 });
    await until(() => log.length === 1);
    await until(() => server.connections <= 2, 1_000);
  });

  test('after the server was killed and started again', async () => {
    server.reply(list(5, [])).watch(stream([line('ADDED', pod('a', 6))], 'hold'));
    const { log } = inform();
    await until(() => log.length === 1);
    const { port } = server;
    await server.kill();
    await new Promise((resolve) => setTimeout(resolve, 150));
    server.watch(stream([line('DELETED', pod('a', 9))], 'hold'));
    await server.listen(port);
    await until(() => log.length === 2);
    expect(server.watchedFrom).toEqual(['5', '6']);
  });

  test('for as long as it takes: fifty failures in a row', async () => {
    server
      .reply(list(5, []))
      .watch(
        ...Array.from({ length: 50 }, (_, i) => (i % 2 ? hangUp : failure(500, 'InternalError'))),
        stream([line('ADDED', pod('a', 6))], 'hold'),
      );
    const { log } = inform({ longestPauseMs: 4 });
    await until(() => log.length === 1);
    expect(server.watches).toHaveLength(51);
  });
});

describe('a version that is gone', () => {
  const relisted = () => list(20, [pod('a', 3), pod('c', 15)]);

  test.each([
    ['as an ERROR event', stream([`${JSON.stringify(gone)}\n`], 'end')],
    ['as the answer', failure(410, 'Expired')],
  ])('%s: a new list, and what vanished is told as deleted', async (_name, answer) => {
    server
      .reply(list(5, [pod('a', 3), pod('b', 4)]), relisted())
      .watch(answer, stream([line('MODIFIED', pod('c', 21))], 'hold'));
    const { log, informer } = inform();
    await until(() => log.length === 5);
    expect(log).toEqual(['added a@3', 'added b@4', 'deleted b@4', 'added c@15', 'updated c@21']);
    expect(server.watchedFrom).toEqual(['5', '20']);
    expect(informer.lists).toBe(2);
  });

  test('in the middle of a paged list: one list without pages', async () => {
    server.reply(list(5, [pod('a', 1)], 'token-1'), failure(410, 'Expired'), list(9, [pod('a', 1), pod('b', 8)]));
    const { log } = inform();
    await until(() => log.length === 2);
    expect(server.others.map(({ query }) => [query.get('limit'), query.get('continue')])).toEqual([
      ['500', null],
      ['500', 'token-1'],
      [null, null],
    ]);
    await until(() => server.watches.length === 1);
    expect(server.watchedFrom).toEqual(['9']);
  });

  test('again and again: asked ever more slowly, not in a hot loop', async () => {
    for (let i = 0; i < 200; i++) server.reply(list(5 + i, [])).watch(failure(410, 'Expired'));
    inform({ random: () => 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(server.watches.length).toBeLessThan(8);
    expect(server.watches.length).toBeGreaterThan(2);
  });
});

describe('a list', () => {
  test('is put together from its pages, with kinds filled in', async () => {
    const { apiVersion: _a, kind: _k, ...bare } = pod('a', 1);
    server.reply(list(5, [bare], 'next'), list(5, [pod('b', 2)]));
    const cut: string[] = [];
    const answer = await client.list(pods, {
      labelSelector: 'x=y',
      transform: (object) => {
        cut.push(object.metadata.name ?? '');
        return object;
      },
    });
    expect(cut).toEqual(['a', 'b']);
    expect(answer.items.map(({ kind, apiVersion, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)).toEqual([
      'v1 Pod a',
      'v1 Pod b',
    ]);
    expect(answer.resourceVersion).toBe('5');
    expect(server.others.map(({ query }) => query.get('labelSelector'))).toEqual(['x=y', 'x=y']);
  });

  test('that expires half way is cut down all the same', async () => {
    server.reply(list(5, [pod('a', 1)], 'next'), failure(410, 'Expired'), list(9, [pod('a', 1), pod('b', 8)]));
    const answer = await client.list(pods, { transform: ({ metadata }) => ({ metadata: { name: metadata.name } }) });
    expect(answer).toEqual({
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
      resourceVersion: '9',
    });
  });

  test('that fails is tried again until it works; synced() waits for it', async () => {
    server.reply(...Array.from({ length: 6 }, () => failure(403, 'Forbidden')), list(5, [pod('a', 1)]));
    const { informer } = inform({ longestPauseMs: 4 });
    await informer.synced(AbortSignal.timeout(3_000));
    expect(informer.store.size).toBe(1);
  });

  test('synced() ends with its signal', async () => {
    server.reply(failure(403, 'Forbidden'));
    const { informer } = inform();
    await expect(informer.synced(AbortSignal.timeout(20))).rejects.toThrow();
  });
});

describe('an informer', () => {
  test('stops only for its signal, and then at once', async () => {
    server.reply(list(5, []));
    const { end, informer } = inform();
    await informer.synced(AbortSignal.timeout(2_000));
    await until(() => server.watches.length === 1);
    stop.abort();
    await end;
  });

  test('does not swallow what a handler throws', async () => {
    server.reply(list(5, [])).watch(stream([line('ADDED', pod('a', 6))], 'hold'));
    const { informer, end } = inform();
    informer.onChange(() => {
      throw new Error('boom');
    });
    await expect(end).rejects.toThrow(ChangeHandlerError);
    // The list's connection may be kept; the watch's is not left open.
    await until(() => server.connections <= 1);
  });

  test('logs trouble once until it changes, and its end', async () => {
    const lines: string[] = [];
    const log = createLogger({
      name: 't',
      destination: {
        write: (text: string) => {
          lines.push((JSON.parse(text) as { message: string }).message);
        },
      },
    });
    server
      .reply(list(5, []))
      .watch(...Array.from({ length: 5 }, () => failure(500, 'InternalError')), stream([bookmark(6)], 'hold'));
    inform({ log, longestPauseMs: 4 });
    await until(() => lines.length === 2);
    expect(lines).toEqual(['watch interrupted; it will be resumed', 'watch resumed']);
  });

  test('reports every object again when asked to', async () => {
    server.reply(list(5, [pod('a', 1)]));
    const { log } = inform({ resyncMs: 20 });
    await until(() => log.filter((entry) => entry === 'updated a@1').length >= 2);
  });
});

describe('calls', () => {
  const get = () => client.get(pods, 'n', 'a');
  const named = pod('a', 0) as Pod;
  const generated = { metadata: { generateName: 'a-', namespace: 'n' } } as Pod;

  test('keep their connection', async () => {
    for (let i = 0; i < 20; i++) server.reply(json(200, pod('a', 1)));
    for (let i = 0; i < 20; i++) await get();
    // A body's end is told a moment before its connection is free again: two at most, not twenty.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test.each([
    ['a read', get, 3],
    ['a create with a name', () => client.create(pods, named), 3],
    ['a replace', () => client.replace(pods, named), 3],
    ['a merge patch', () => client.patch(pods, 'n', 'a', { type: 'merge', body: {} }), 3],
    ['a delete', () => client.delete(pods, 'n', 'a'), 3],
  ])('%s is sent again when the connection breaks', async (_name, call, sent) => {
    server.reply(hangUp, hangUp, json(200, pod('a', 1)));
    await call();
    expect(server.requests).toHaveLength(sent);
  });

  test.each([
    ['a create with generateName', () => client.create(pods, generated)],
    ['a JSON patch', () => client.patch(pods, 'n', 'a', { type: 'json', body: [] })],
  ])('%s is not sent again when it may have arrived', async (_name, call) => {
    server.reply(hangUp, json(200, pod('a', 1)));
    await expect(call()).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });

  test('even a create with generateName is sent again when nothing listened', async () => {
    const { port } = server;
    await server.kill();
    const created = client.create(pods, generated);
    await new Promise((resolve) => setTimeout(resolve, 60));
    server.reply(json(201, pod('a-1', 1)));
    await server.listen(port);
    expect((await created).metadata.name).toBe('a-1');
  });

  test('429 and 503 with Retry-After are obeyed, for any verb', async () => {
    const started = performance.now();
    server.reply(
      failure(429, 'TooManyRequests', {}, { 'retry-after': '1' }),
      failure(503, 'ServiceUnavailable', { details: { retryAfterSeconds: 1 } }),
      json(201, pod('a', 1)),
    );
    await client.create(pods, generated);
    expect(performance.now() - started).toBeGreaterThan(1_950);
  });

  test("429 without a time is the caller's (an eviction refused by a budget)", async () => {
    server.reply(failure(429, 'TooManyRequests'));
    await expect(get()).rejects.toMatchObject({ status: 429, isTooManyRequests: true });
  });

  test.each([
    [404, 'NotFound', 'isNotFound'],
    [409, 'Conflict', 'isConflict'],
    [409, 'AlreadyExists', 'isAlreadyExists'],
    [403, 'Forbidden', 'isForbidden'],
    [410, 'Expired', 'isGone'],
    [422, 'Invalid', 'isInvalid'],
    [400, 'BadRequest', 'isBadRequest'],
  ] as const)('%d %s is a typed error', async (status, reason, is) => {
    server.reply(failure(status, reason, { details: { name: 'a' } }));
    await expect(get()).rejects.toMatchObject({
      status,
      reason,
      message: `scripted ${reason}`,
      details: { name: 'a' },
      [is]: true,
    });
    expect(server.requests).toHaveLength(1);
  });

  test('an answer that is no Status is quoted', async () => {
    server.reply((response) => {
      response.writeHead(418).end('<html>teapot</html>');
    });
    await expect(get()).rejects.toThrow('HTTP status 418: <html>teapot</html>');
  });

  test('401: new credentials, once', async () => {
    const asked: (boolean | undefined)[] = [];
    const other = new KubeClient({
      ...server.config(),
      credentials: (fresh) => {
        asked.push(fresh);
        return Promise.resolve({ headers: { authorization: fresh ? 'Bearer new' : 'Bearer old' } });
      },
    });
    server.reply(
      failure(401, 'Unauthorized'),
      json(200, pod('a', 1)),
      failure(401, 'Unauthorized'),
      failure(401, 'Unauthorized'),
    );
    await other.get(pods, 'n', 'a');
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await expect(other.get(pods, 'n', 'a')).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual([false, true, false, true]);
    await other.close();
  });

  test('an aborted call ends at once, also between tries', async () => {
    server.reply(failure(503, 'ServiceUnavailable', {}, { 'retry-after': '30' }));
    await expect(client.get(pods, 'n', 'a', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('say what they send', async () => {
    for (let i = 0; i < 6; i++) server.reply(json(200, pod('a', 1)));
    await client.replaceStatus(pods, named, { fieldManager: 'me' });
    await client.patch(pods, 'n', 'a', { type: 'apply', body: named, fieldManager: 'me', force: true });
    await client.patch(pods, 'n', 'a', { type: 'merge', body: { status: {} }, subresource: 'status' });
    await client.delete(pods, 'n', 'a', { uid: 'u', propagationPolicy: 'Background' });
    await client.create(pods, { metadata: { name: 'x', namespace: 'n' } }, { dryRun: true });
    await client.deleteCollection(pods, { namespace: 'n', labelSelector: 'a=b' });
    expect(
      server.requests.map(({ method, path, query, headers }) => [
        method,
        path,
        query.toString(),
        headers['content-type'],
      ]),
    ).toEqual([
      ['PUT', '/api/v1/namespaces/n/pods/a/status', 'fieldManager=me', 'application/json'],
      ['PATCH', '/api/v1/namespaces/n/pods/a', 'fieldManager=me&force=true', 'application/apply-patch+yaml'],
      ['PATCH', '/api/v1/namespaces/n/pods/a/status', '', 'application/merge-patch+json'],
      ['DELETE', '/api/v1/namespaces/n/pods/a', '', 'application/json'],
      ['POST', '/api/v1/namespaces/n/pods', 'dryRun=All', 'application/json'],
      ['DELETE', '/api/v1/namespaces/n/pods', 'labelSelector=a%3Db', 'application/json'],
    ]);
    expect(JSON.parse(server.requests[3]?.body ?? '')).toMatchObject({
      propagationPolicy: 'Background',
      preconditions: { uid: 'u' },
    });
    expect(JSON.parse(server.requests[4]?.body ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  });

  test('are counted and timed', async () => {
    const seen: string[] = [];
    const other = new KubeClient(server.config(), {
      onRequest: ({ verb, resource, status, seconds }) => seen.push(`${verb} ${resource} ${status} ${seconds >= 0}`),
    });
    server.reply(hangUp, json(200, pod('a', 1)));
    await other.get(pods, 'n', 'a');
    expect(seen).toEqual(['get pods 0 true', 'get pods 200 true']);
    await other.close();
  });

  test('are held to the rate limit', async () => {
    const other = new KubeClient(server.config(), { qps: 50, burst: 2 });
    for (let i = 0; i < 7; i++) server.reply(json(200, pod('a', 1)));
    const started = performance.now();
    await Promise.all(Array.from({ length: 7 }, () => other.get(pods, 'n', 'a')));
    expect(performance.now() - started).toBeGreaterThan(90);
    await other.close();
  });

  test('keep a path prefix of the server', async () => {
    server.reply(json(200, pod('a', 1)));
    const other = new KubeClient({
      ...server.config(),
      server: new URL(`http://127.0.0.1:${server.port}/k8s/clusters/c-1/`),
    });
    await other.get(pods, 'n', 'a');
    expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/n/pods/a');
    await other.close();
  });

  test('a log is read as it comes', async () => {
    server.reply(stream(['one\n', 'two\n'], 'end'));
    const chunks: Buffer[] = [];
    for await (const chunk of client.podLogs('n', 'a', { container: 'step-x', follow: true, tailLines: 5 }))
      chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).toString()).toBe('one\ntwo\n');
    expect(server.requests[0]?.query.toString()).toBe('container=step-x&follow=true&tailLines=5');
  });
});
