import { describe, expect, it } from 'vitest';
import { ApiError } from '../../kube/client.ts';
import type { KubeObject } from '../../resource.ts';
import { creator } from './create.ts';
import { repetitionKey, type ReceivedEvent } from './event.ts';
import { EventBody } from './event-body.ts';
import { Line } from './line.ts';

/** An API server that has PipelineRuns, and answers as the row says before it does what it is asked to. */
class Server {
  readonly objects = new Map<string, KubeObject>();
  readonly #mishaps: (() => Error | undefined)[];

  constructor(mishaps: (() => Error | undefined)[] = []) {
    this.#mishaps = [...mishaps];
  }

  create = (_resource: unknown, object: KubeObject, { dryRun }: { dryRun?: boolean } = {}): Promise<KubeObject> => {
    const { name = '' } = object.metadata;
    if (this.objects.has(name)) return Promise.reject(exists());
    if (dryRun) return Promise.resolve(object);
    const mishap = this.#mishaps.shift()?.();
    if (mishap !== undefined && mishap !== lostAnswer) return Promise.reject(mishap);
    this.objects.set(name, object);
    return mishap === undefined ? Promise.resolve(object) : Promise.reject(lostAnswer);
  };

  get = (_resource: unknown, _namespace: unknown, name: string): Promise<KubeObject> => {
    const found = this.objects.get(name);
    return found ? Promise.resolve(found) : Promise.reject(new Error('not found'));
  };

  raw = (): Promise<string> =>
    Promise.resolve(JSON.stringify({ resources: [{ name: 'pipelineruns', kind: 'PipelineRun', namespaced: true }] }));
}

const status = (code: number, reason: string) => new ApiError(code, { reason });
const exists = () => status(409, 'AlreadyExists');
const lostAnswer = Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' });
const neverSent = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

const event = (id: string, body = '{}', header: Record<string, string[]> = {}): ReceivedEvent => ({
  id,
  url: '/',
  header,
  body: Buffer.from(body),
  content: new EventBody(body),
});
const trigger = { name: 'push', namespace: 'ci', spec: {} };
const signal = new AbortController().signal;

function creating(server: Server, cause?: Parameters<typeof creator>[0]['cause'], now = () => 0) {
  const counted: string[] = [];
  const create = creator({
    clientFor: () => server as never,
    line: new Line({ clock: { sleep: () => Promise.resolve() }, width: 2, attempts: 3 }),
    cause: cause ?? (({ id }) => ({ key: [id], isShared: false })),
    now,
    onCreated: (kind) => counted.push(kind),
    signal,
  });
  const made = (from: ReceivedEvent, metadata: Record<string, unknown> = { generateName: 'build-', namespace: 'ci' }) =>
    create({ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata }, { trigger, index: 0, event: from });
  return { made, counted };
}

const onceASignedBody = (from: ReceivedEvent) => {
  const key = repetitionKey(from);
  return key === undefined ? { key: [from.id], isShared: false } : { key, isShared: true };
};

describe('an object of a trigger', () => {
  const rows: [string, (() => Error | undefined)[]][] = [
    ['nothing goes wrong', []],
    ['the answer is lost after it was made', [() => lostAnswer]],
    ['the server is not there at first', [() => neverSent]],
    ['the server throttles', [() => status(429, 'TooManyRequests'), () => status(503, 'ServiceUnavailable')]],
  ];
  it.each(rows)('is made once when %s', async (_name, mishaps) => {
    const server = new Server(mishaps);
    const { made, counted } = creating(server, onceASignedBody);
    const created = await made(event('e-1', '{}', { 'X-Github-Delivery': ['d-1'] }));
    expect(created).toEqual({
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      namespace: 'ci',
      name: expect.stringMatching(/^build-[a-z0-9]{8}$/) as string,
    });
    expect([...server.objects.keys()]).toEqual([created.name]);
    expect(counted).toEqual(['PipelineRun']);
  });

  it.each([
    ['a refusal', () => status(403, 'Forbidden'), 'Forbidden'],
    ['a throttling without end', () => status(429, 'TooManyRequests'), 'TooManyRequests'],
  ])('that meets %s is told so', async (_name, mishap, message) => {
    const { made, counted } = creating(new Server(Array.from({ length: 9 }, () => mishap)));
    await expect(made(event('e-1'))).rejects.toThrow(message);
    expect(counted).toEqual([]);
  });

  it('whose name is the template’s own is no other event’s', async () => {
    const server = new Server();
    server.objects.set('fixed', { metadata: { name: 'fixed' } });
    const { made } = creating(server);
    await expect(made(event('e-1'), { name: 'fixed', namespace: 'ci' })).rejects.toThrow('AlreadyExists');
  });

  it('whose name is the template’s own is made once for a time that two replicas see', async () => {
    const server = new Server();
    const due = { trigger: 'u-1', time: '2026-06-01T00:00:00Z' };
    const { made } = creating(server, () => ({ key: [due.trigger, due.time], isShared: true }));
    const metadata = { name: 'fixed', namespace: 'ci', labels: { 'triggers.tekton.dev/triggers-eventid': 'e-1' } };
    const both = [await made({ ...event('e-1'), scheduled: due }, metadata)];
    both.push(await made({ ...event('e-1'), scheduled: due }, metadata));
    expect(both.map(({ isRepeated = false }) => isRepeated)).toEqual([false, true]);
  });
});

describe('an event that comes again, where each is taken once', () => {
  const signed = (delivery: string) => ({
    'X-Hub-Signature-256': ['sha256=0'],
    'X-Github-Delivery': [delivery],
  });
  const rows: [string, ReceivedEvent, ReceivedEvent, boolean][] = [
    ['a signed body again', event('1', 'a', signed('d-1')), event('2', 'a', signed('d-1')), true],
    ['a signed body under another delivery id', event('1', 'a', signed('d-1')), event('2', 'a', signed('d-2')), true],
    ['another signed body under the same id', event('1', 'a', signed('d-1')), event('2', 'b', signed('d-1')), false],
    [
      'a command that Slack signed',
      event('1', 'a', { 'X-Slack-Signature': ['v0=0'] }),
      event('2', 'a', { 'X-Slack-Signature': ['v0=0'] }),
      true,
    ],
    [
      'an unsigned delivery again',
      event('1', 'a', { 'X-Gitlab-Event-Uuid': ['u'] }),
      event('2', 'a', { 'X-Gitlab-Event-Uuid': ['u'] }),
      true,
    ],
    ['no word of which delivery it is', event('1', 'a'), event('2', 'a'), false],
  ];
  it.each(rows)('%s', async (_name, first, second, isRepeated) => {
    const server = new Server();
    const { made, counted } = creating(server, onceASignedBody);
    const before = await made(first);
    // Another replica: it knows nothing of the first.
    const other = creating(server, onceASignedBody);
    const after = await other.made(second);
    expect(after.isRepeated ?? false).toBe(isRepeated);
    expect(after.name === before.name).toBe(isRepeated);
    expect([counted.length, other.counted.length, server.objects.size]).toEqual([
      1,
      isRepeated ? 0 : 1,
      isRepeated ? 1 : 2,
    ]);
  });
});

describe('an event that comes again, where each is taken once in an hour', () => {
  const hour = 3_600_000;
  const minute = 60_000;
  const onceAnHour = (from: ReceivedEvent) => ({ ...onceASignedBody(from), windowMs: hour });
  const first = 1_000 * hour;
  const rows: [string, number, number, boolean][] = [
    ['at the same moment', first, first, true],
    ['a moment before the hour ends', first, first + hour - 1, true],
    ['in the same hour of the clock', first + minute, first + hour - minute, true],
    ['after the clock struck', first + hour - 1, first + hour, true],
    ['an hour later to the millisecond', first + 30 * minute, first + 90 * minute, true],
    ['at a replica whose clock is behind', first, first - minute, true],
    ['after two hours', first, first + 2 * hour, false],
    ['days later', first, first + 48 * hour, false],
  ];
  it.each(rows)('%s', async (_name, before, after, isRepeated) => {
    const server = new Server();
    const signed = event('1', 'a', { 'X-Hub-Signature-256': ['sha256=0'] });
    const one = await creating(server, onceAnHour, () => before).made(signed);
    const { made, counted } = creating(server, onceAnHour, () => after);
    const two = await made({ ...signed, id: '2' });
    expect([two.isRepeated ?? false, two.name === one.name]).toEqual([isRepeated, isRepeated]);
    expect([counted.length, server.objects.size]).toEqual(isRepeated ? [0, 1] : [1, 2]);
  });

  it('and another event is made at once', async () => {
    const server = new Server();
    const { made } = creating(server, onceAnHour, () => first);
    const header = { 'X-Hub-Signature-256': ['sha256=0'] };
    const both = [await made(event('1', 'a', header)), await made(event('2', 'b', header))];
    expect(both.map(({ isRepeated = false }) => isRepeated)).toEqual([false, false]);
  });
});

describe('the kind of an object', () => {
  const served = [
    { name: 'pipelineruns/status', kind: 'PipelineRun', namespaced: true },
    { name: 'pipelineruns', kind: 'PipelineRun', namespaced: true },
    { name: 'things', kind: 'Thing', namespaced: false },
  ];

  /** What the API server is asked for, and as whom, to make one object; and where that object then is. */
  async function asked(apiVersion: string, kind: string, serviceAccountName?: string) {
    const [paths, accounts, places]: [string[], unknown[], unknown[]] = [[], [], []];
    const client = {
      raw: (_method: string, path: string) => {
        paths.push(path);
        return Promise.resolve(JSON.stringify({ resources: served }));
      },
      create: ({ plural, group, version }: Record<string, string>, object: KubeObject) => {
        places.push([group, version, plural, object.metadata.namespace]);
        return Promise.resolve(object);
      },
    };
    const create = creator({
      clientFor: (account) => {
        accounts.push(account);
        return client as never;
      },
      line: new Line({ clock: { sleep: () => Promise.resolve() }, width: 1, attempts: 1 }),
      cause: ({ id }) => ({ key: [id], isShared: false }),
      now: () => 0,
      onCreated: () => undefined,
      signal,
    });
    const spec = serviceAccountName === undefined ? {} : { serviceAccountName };
    const given = { apiVersion, kind, metadata: { name: 'x', namespace: 'ci' } };
    const make = () => create(given, { trigger: { ...trigger, spec }, index: 0, event: event('e') });
    const problem = await make().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    return { make, paths, accounts, places, problem };
  }

  it.each<[string, string, string, unknown]>([
    ['tekton.dev/v1', 'PipelineRun', '/apis/tekton.dev/v1', ['tekton.dev', 'v1', 'pipelineruns', 'ci']],
    ['a-b.c1.dev/v1beta1', 'PipelineRun', '/apis/a-b.c1.dev/v1beta1', ['a-b.c1.dev', 'v1beta1', 'pipelineruns', 'ci']],
    ['v1', 'Thing', '/api/v1', ['', 'v1', 'things', undefined]],
  ])('is asked for once: %s %s', async (apiVersion, kind, path, place) => {
    const { make, paths, places } = await asked(apiVersion, kind);
    await make();
    expect([paths, places]).toEqual([[path], [place, place]]);
  });

  it.each([
    '',
    'tekton.dev',
    'tekton.dev/',
    'tekton.dev/v1/namespaces/ci/secrets',
    '../v1',
    './v1',
    'a..b/v1',
    '.a/v1',
    'a./v1',
    'tekton.dev/../v1',
    'tekton.dev/v1?x',
    'TEKTON.dev/v1',
    'a/b',
    'a%2e/v1',
  ])('is no path of somebody’s own: %j', async (apiVersion) => {
    const { paths, problem } = await asked(apiVersion, 'PipelineRun');
    expect(problem).toBe(`${JSON.stringify(apiVersion)} is no apiVersion`);
    expect(paths).toEqual([]);
  });

  it('that is not served is named', async () =>
    expect((await asked('tekton.dev/v1', 'Nothing')).problem).toBe(
      'could not find API resource with apiVersion "tekton.dev/v1" and kind "Nothing"',
    ));

  it.each<[string | undefined, unknown]>([
    [undefined, undefined],
    ['', undefined],
    ['robot', { namespace: 'ci', name: 'robot' }],
  ])('is asked for, and made, as the trigger’s ServiceAccount %j', async (name, account) =>
    expect((await asked('tekton.dev/v1', 'PipelineRun', name)).accounts).toEqual([account]),
  );
});
