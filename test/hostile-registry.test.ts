import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Task } from '../src/api/pipeline/v1/task.ts';
import type { TaskRun } from '../src/api/pipeline/v1/taskrun.ts';
import { systemClock } from '../src/clock.ts';
import type { ImageFact } from '../src/core/pod/image.ts';
import { settingsOf, taskRunOf } from '../src/core/pod/pod.fake.ts';
import { ImageLookups } from '../src/images/image-lookup.ts';
import { createImageReading, readingLimits, type ReadingLimits } from '../src/images/image-reading.ts';
import { FakeKubeClient } from '../src/kube/client.fake.ts';
import { runController } from '../src/kube/controller.ts';
import { byController, controllerIndex } from '../src/kube/owners.ts';
import { WorkQueue } from '../src/kube/queue.ts';
import { serviceAccounts, type LimitRange, type Pod } from '../src/kube/resources.ts';
import { Store } from '../src/kube/store.ts';
import { createLogger } from '../src/log.ts';
import { taskRunResource } from '../src/reconcilers/taskrun/apply.ts';
import { noIdentities } from '../src/reconcilers/taskrun/identities.fake.ts';
import { createTaskRunReconciler } from '../src/reconcilers/taskrun/reconciler.ts';
import { Registries } from '../src/registry/client.ts';
import { digestOf } from '../src/registry/digest.ts';
import { HostileRegistry, type misdeeds } from '../src/registry/hostile-registry.fake.ts';
import { FakeRegistry } from '../src/registry/registry.fake.ts';

const mebibyte = 1024 * 1024;
let hostile: HostileRegistry;
let inside: Server;
let insideAsked: number;

beforeAll(async () => {
  hostile = await HostileRegistry.start();
  inside = createServer((_, response) => {
    insideAsked += 1;
    response.end('{"access_token":"a secret of ours"}');
  });
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  hostile.inside = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`;
});
beforeEach(() => {
  insideAsked = 0;
});
afterAll(async () => {
  await hostile.stop();
  inside.closeAllConnections();
  await new Promise((resolve) => inside.close(resolve));
});

/** Look-ups that wait for their answer. */
function lookups(limits: Partial<ReadingLimits>) {
  const client = new FakeKubeClient();
  const registries = new Registries({ attempts: 3, timeoutMs: 5_000 });
  const read = createImageReading({ client, registries, limits });
  const { promise: told, resolve: onAnswer } = Promise.withResolvers<string>();
  const images = new ImageLookups({ read, onAnswer });
  const ask = async (image: string): Promise<ImageFact> => {
    const credentials = { namespace: 'ns', serviceAccountName: 'default', imagePullSecrets: [] };
    const question = { image, credentials, run: { key: 'ns/run', uid: 'u' } };
    const fact = await images.lookUp(question, new AbortController().signal);
    if (fact.kind !== 'pending') return fact;
    await told;
    return images.lookUp(question, new AbortController().signal);
  };
  return { ask, close: () => images.close() };
}

describe('a look-up at a hostile registry', () => {
  it('ends within 30 s and 32 MB by default', () => {
    expect(readingLimits.deadlineMs).toBeLessThanOrEqual(30_000);
    expect(readingLimits.bytesOfAll + readingLimits.rememberedBytes).toBeLessThan(32 * mebibyte);
    expect(readingLimits.bytes).toBeLessThanOrEqual(readingLimits.bytesOfAll);
  });

  const expected: Record<keyof typeof misdeeds, [message: RegExp, retry: boolean]> = {
    stall: [/did not answer all that was asked within 1\.5 s/, true],
    drip: [/did not answer all that was asked within 1\.5 s/, true],
    endless: [/answers with more than 1048576 bytes/, false],
    'redirect-loop': [/redirects without end/, false],
    'redirect-metadata': [/leads to 169\.254\.169\.254, which is a metadata server: it is not asked/, false],
    'redirect-inside': [/leads to 127\.0\.0\.1:\d+, which is an internal address: it is not asked/, false],
    'realm-inside': [/wants credentials sent in the clear, to http:\/\/127\.0\.0\.1:\d+$/, false],
    'realm-metadata': [/wants credentials sent in the clear, to http:\/\/169\.254\.169\.254$/, false],
    'huge-token': [/answers with more than 65536 bytes/, false],
    'long-token': [/a token that no header can hold/, false],
    'huge-header': [/cannot be reached: /, true],
    'hard-challenge': [/answered 401$/, false],
    'huge-index': [/the image is an index of 150 platforms, and at most 32 are looked at/, false],
    'heavy-index': [/answers with more than 4194304 bytes in all/, false],
    'deep-json': [/the image's manifest is not JSON/, false],
    'many-objects': [/the image's index is not one of a container image/, false],
    'wrong-digest': [/the manifest has another digest than the registry states/, false],
    'climbing-digest': [/the image's manifest is not one of a container image/, false],
    html: [/the image's manifest is not JSON$/, false],
    'html-error': [/answered 403$/, false],
    'json-error': [/answered 403$/, false],
    'too-many-requests': [/answered 429$/, true],
    'too-many-requests-now': [/answered 429$/, true],
    reset: [/cannot be reached: other side closed|ECONNRESET|socket hang up/, true],
  };

  it.each(Object.entries(expected))('%s', async (misdeed, [message, retry]) => {
    // Short where nothing else ends it; elsewhere the bound in question must end it first.
    const { ask, close } = lookups(['stall', 'drip'].includes(misdeed) ? { deadlineMs: 1_500 } : {});
    const before = hostile.sent;
    const fact = await ask(`127.0.0.9:${hostile.port}/${misdeed}`);
    close();
    expect(fact).toMatchObject({ kind: 'failed', retry, message: expect.stringMatching(message) as string });
    expect(JSON.stringify(fact)).not.toMatch(/hunter2|secret/);
    expect(JSON.stringify(fact).length).toBeLessThan(500);
    expect(hostile.sent - before).toBeLessThan(8 * mebibyte);
    expect(insideAsked).toBe(0);
  });
});

/** A clock that stands still while this thread waits for a processor (proc(5), schedstat): other programs run too. */
function unhinderedMs(): number {
  const [, waitedNs = 0] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ').map(Number);
  return performance.now() - waitedNs / 1e6;
}

describe('an honest run beside a hundred hostile ones', () => {
  let honest: FakeRegistry;
  const ends: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    honest = await FakeRegistry.start();
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Entrypoint: ['/app'] } });
    const digest = digestOf(Buffer.from(config));
    honest.blobs.set(digest, config);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    honest.put('team/app', 'latest', JSON.stringify({ schemaVersion: 2, config: { digest } }), type);
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await honest.server.stop();
  });

  /** The real reconciler with its workers, on a cluster in memory. */
  function controller(graceMs?: number) {
    const concurrency = 32;
    const client = new FakeKubeClient();
    const stores = {
      taskRuns: new Store<TaskRun>(),
      pods: new Store<Pod>({ indexes: { [byController]: controllerIndex } }),
      tasks: new Store<Task>(),
      limitRanges: new Store<LimitRange>(),
    };
    const queue = new WorkQueue({ name: 'taskrun' });
    const registries = new Registries();
    const images = new ImageLookups({
      read: createImageReading({ client, registries }),
      onAnswer: (key) => queue.add(key),
      mostWaiting: concurrency / 2,
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    const reconcile = createTaskRunReconciler({
      client,
      stores,
      settings: () => settingsOf({}),
      events: { event: () => undefined },
      clock: systemClock,
      imageLookup: images.lookUp,
      identities: noIdentities,
    });
    const log = createLogger({ name: 'test', level: 'fatal' });
    const end = new AbortController();
    const running = runController({ name: 'taskrun', queue, concurrency, reconcile, log }, end.signal);
    ends.push(async () => {
      images.close();
      end.abort();
      queue.close();
      await running;
    });
    const run = (namespace: string, name: string, image: string) => {
      client.seed(serviceAccounts, { metadata: { name: 'default', namespace } });
      const made = taskRunOf({ taskSpec: { steps: [{ image }] } }, undefined, {
        name,
        namespace,
        uid: `${namespace}-${name}`,
        labels: { 'app.kubernetes.io/managed-by': 'tekton-pipelines' },
        annotations: { 'pipeline.tekton.dev/release': 'v0.1.0' },
      });
      for (const seeded of client.seed(taskRunResource, made)) stores.taskRuns.observeWrite(seeded);
      queue.add(`${namespace}/${name}`);
    };
    return { client, run };
  }

  /** Milliseconds from now until the honest run has its pod, less those that others had the processor. */
  async function msToPod(client: FakeKubeClient): Promise<number> {
    const begun = unhinderedMs();
    const hasPod = () => client.writes.some(({ verb, key }) => verb === 'create' && key === 'good/run-pod');
    await expect.poll(hasPod, { timeout: 10_000, interval: 10 }).toBe(true);
    return unhinderedMs() - begun;
  }

  it.each<[string, (n: number) => string, (n: number) => string]>([
    ['of one namespace, at one registry', () => 'evil', () => '127.0.1.1'],
    ['of one namespace, at a hundred registries', () => 'evil', (n) => `127.0.2.${n + 1}`],
    ['of a hundred namespaces, at one registry', (n) => `evil${n}`, () => '127.0.3.1'],
    ['of a hundred namespaces, at a hundred registries', (n) => `evil${n}`, (n) => `127.0.4.${n + 1}`],
  ])('has its pod at most 2 s later: %s', async (_, namespace, host) => {
    const alone = controller();
    alone.run('good', 'run', `${honest.server.host}/team/app`);
    const usualMs = await msToPod(alone.client);
    const { client, run } = controller();
    for (let n = 0; n < 100; n += 1)
      run(namespace(n), `run${n}`, `${host(n)}:${hostile.port}/${n % 2 === 0 ? 'stall' : 'drip'}`);
    run('good', 'run', `${honest.server.host}/team/app`);
    expect(await msToPod(client)).toBeLessThan(usualMs + 2_000);
    // It needed one status write, or two when it had to wait a while.
    const writes = client.writes.filter(({ key }) => key.startsWith('good/'));
    expect(writes.length).toBeLessThanOrEqual(3);
  });

  it('costs a run at an honest registry no second status write, if that answers in a moment', async () => {
    const { client, run } = controller(5_000);
    run('good', 'run', `${honest.server.host}/team/app`);
    await expect.poll(() => client.writes.length, { timeout: 5_000, interval: 20 }).toBe(2);
    expect(client.writes.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([
      'create pods',
      'update taskruns',
    ]);
  });
});
