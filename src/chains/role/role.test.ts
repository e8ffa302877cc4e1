import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../clock.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { wholeLeadership } from '../../kube/buckets.ts';
import type { KubeClient } from '../../kube/client.ts';
import { configMaps, secrets, type ConfigMap } from '../../kube/resources.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../log.ts';
import type { Registries } from '../../registry/client.ts';
import { annotations, finalizers } from '../annotations.ts';
import { writeMark } from '../plan/mark.ts';
import { planRun, type RunState } from '../plan/run.ts';
import { parseChainsConfig } from '../config/parse.ts';
import { childOf, concluded, pipelineRun, seal, taskRun } from '../reconciler/world.fake.ts';
import { createBackends } from '../backends.ts';
import { backendNames } from '../types.ts';
import { slimRun } from './caches.ts';
import { untilSignerIsThere } from './dormant.ts';
import { feedParents, feedRuns } from './feed.ts';
import { parseChainsFlags } from './flags.ts';
import { createSigningMetrics } from './metrics.ts';
import { ChainsSettings, watchOwnNamespace } from './settings.ts';

describe('flags', () => {
  it('without any: all namespaces, 32 at once', () => {
    expect(parseChainsFlags([], {})).toMatchObject({
      concurrency: 32,
      namespaces: [],
      systemNamespace: 'tekton-chains',
      metricsPort: 9090,
      probesPort: 8080,
      disableHighAvailability: false,
    });
  });

  it.each([
    ["upstream's --namespace takes a list", ['--namespace=a,b'], { namespaces: ['a', 'b'] }],
    ["upstream's --threads-per-controller", ['--threads-per-controller=4'], { concurrency: 4 }],
    ['rates', ['--kube-api-qps=5', '--kube-api-burst=10'], { qps: 5, burst: 10 }],
    ['tags locked across replicas', ['--lock-tags-by-lease'], { lockTagsByLease: true }],
    ['mirrors', ['--registry-mirror=ghcr.io=https://m'], { registryMirrors: { 'ghcr.io': 'https://m' } }],
    ['trusted hosts', ['--registry-trusted-host=auth.corp'], { registryTrustedHosts: ['auth.corp'] }],
    [
      'keys from files',
      ['--signing-secrets-directory=/etc/signing-secrets'],
      { signingSecretsDirectory: '/etc/signing-secrets' },
    ],
  ])('%s', (_name, args, expected) => {
    expect(parseChainsFlags(args, {})).toMatchObject(expected);
  });

  it.each([
    ['--concurrency=0', '--concurrency'],
    ['--threads-per-controller=x', '--threads-per-controller'],
    ['--kube-api-qps=', '--kube-api-qps'],
    ['--nonsense', '--nonsense'],
    ['--registry-mirror=x', '--registry-mirror'],
  ])('%s is refused by name', (arg, name) => {
    expect(() => parseChainsFlags([arg], {})).toThrow(name);
  });
});

describe('what caches keep of a run', () => {
  const config = parseChainsConfig(undefined).config;
  const rows: [string, RunState][] = [
    ['done', taskRun('a')],
    [
      'signed',
      taskRun('a', { annotations: { ...concluded('uid-a'), 'chains.tekton.dev/payload-x': 'x'.repeat(10_000) } }),
    ],
    [
      'signed with a finalizer',
      taskRun('a', { annotations: concluded('uid-a'), finalizers: [finalizers.taskrun, 'x'] }),
    ],
    [
      'marked by its user, at length',
      taskRun('a', { annotations: { [annotations.signed]: 'true', [annotations.mark]: 'x'.repeat(10_000) } }),
    ],
    [
      'waiting for its next attempt',
      taskRun('a', {
        annotations: {
          [annotations.mark]: writeMark(
            { kind: 'again', attempts: 2, next: new Date('2026-01-01T00:01:04Z') },
            'uid-a',
            seal,
          ),
          [annotations.problems]: 'x'.repeat(10_000),
        },
      }),
    ],
    ['running', taskRun('a', { status: { conditions: [{ type: 'Succeeded', status: 'Unknown' }] } })],
    ['opted out', taskRun('a', { annotations: { [annotations.sign]: 'false' } })],
    ['managed by another', taskRun('a', { spec: { managedBy: 'x' } })],
    ['deleted', taskRun('a', { deletionTimestamp: '2026-01-01T00:00:59Z', finalizers: [finalizers.taskrun] })],
    ['a PipelineRun', pipelineRun('p', ['a', 'b'])],
  ];
  it.each(rows)('%s: planning comes to the same, also when cut twice', (_name, run) => {
    const facts = {
      kind: run.kind === 'TaskRun' ? ('taskrun' as const) : ('pipelinerun' as const),
      children: [],
      config,
      seal,
      now: new Date('2026-01-01T00:01:00Z'),
    };
    const slim = slimRun(run, seal);
    expect(planRun({ ...facts, run: slim })).toEqual(planRun({ ...facts, run }));
    expect(slimRun(slim, seal)).toEqual(slim);
    expect(JSON.stringify(slim).length).toBeLessThan(600);
  });

  it('the PipelineRun a TaskRun belongs to', () => {
    expect(slimRun(taskRun('a', childOf('p')), seal).metadata.ownerReferences).toEqual([
      { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'p', uid: 'uid-p', controller: true },
    ]);
  });
});

class Lines {
  readonly fast: string[] = [];
  readonly slow: string[] = [];
  add(key: string): void {
    this.fast.push(key);
  }
  addSlow(key: string): void {
    this.slow.push(key);
  }
}

describe('queues', () => {
  const done = (name: string, completionTime: string, metadata: Parameters<typeof taskRun>[1] = {}) => ({
    ...taskRun(name, { status: { conditions: [{ type: 'Succeeded', status: 'True' }], completionTime }, ...metadata }),
    metadata: { ...taskRun(name, metadata).metadata, resourceVersion: '1' },
  });

  it('the newest of a backlog first, what happens now before all of it, nothing that is signed', () => {
    const store = new Store<RunState>();
    store.replace(
      [
        done('old', '2026-01-01T00:00:00Z'),
        done('new', '2026-01-03T00:00:00Z'),
        done('middle', '2026-01-02T00:00:00Z'),
        taskRun('signed', { annotations: concluded('uid-signed') }),
      ] as RunState[],
      '1',
    );
    const lines = new Lines();
    const lookAgain = feedRuns(store, lines, wholeLeadership(), seal);
    expect(lines).toEqual({ fast: [], slow: ['ns/new', 'ns/middle', 'ns/old'] });
    store.upsert({
      ...done('now', '2026-01-04T00:00:00Z'),
      metadata: { ...taskRun('now').metadata, resourceVersion: '2' },
    });
    expect(lines.fast).toEqual(['ns/now']);
    lines.slow.length = 0;
    lookAgain();
    expect(lines.slow).toEqual(['ns/now', 'ns/new', 'ns/middle', 'ns/old']);
  });

  it('its own writes and deletions wake nobody', () => {
    const store = new Store<RunState>();
    const lines = new Lines();
    feedRuns(store, lines, wholeLeadership(), seal);
    const written = { ...taskRun('a'), metadata: { ...taskRun('a').metadata, resourceVersion: '2' } } as RunState;
    store.observeWrite(written);
    store.delete({ ...written, metadata: { ...written.metadata, resourceVersion: '3' } });
    expect(lines).toEqual({ fast: [], slow: [] });
  });

  it('a TaskRun that is through or gone wakes its PipelineRun', () => {
    const store = new Store<RunState>();
    const lines = new Lines();
    feedParents(store, lines, wholeLeadership(), seal);
    const child = (version: string, more: object = {}) =>
      ({
        ...taskRun('a', { ...childOf('p'), ...more }),
        metadata: { ...taskRun('a', { ...childOf('p'), ...more }).metadata, resourceVersion: version },
      }) as RunState;
    store.upsert(child('1'));
    expect(lines.fast).toEqual([]);
    store.upsert(child('2', { annotations: concluded('uid-a') }));
    expect(lines.fast).toEqual(['ns/p']);
    store.upsert(child('3', { annotations: { ...concluded('uid-a'), x: 'y' } }));
    expect(lines.fast).toEqual(['ns/p']);
    store.delete(child('4'));
    expect(lines.fast).toEqual(['ns/p', 'ns/p']);
  });

  it('only of buckets that this replica leads', () => {
    const store = new Store<RunState>();
    store.replace([taskRun('mine'), taskRun('theirs')] as RunState[], '1');
    const lines = new Lines();
    const isMine = (key: string) => key === 'ns/mine';
    feedRuns(
      store,
      lines,
      {
        owns: isMine,
        onPromoted: (listener) => {
          listener({ name: 'b', has: isMine });
          return () => undefined;
        },
      },
      seal,
    );
    expect(lines.slow).toEqual(['ns/mine']);
  });
});

describe('settings', () => {
  const map = (data: Record<string, string>, version: string): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'chains-config', namespace: 'tekton-chains', resourceVersion: version },
    data,
  });

  it('are live; a bad key is told by name in an event on the map, the others count', () => {
    const store = new Store<ConfigMap>();
    store.replace([map({ 'builder.id': 'one' }, '1')], '1');
    const told: string[] = [];
    const settings = new ChainsSettings({
      configMaps: store,
      namespace: 'tekton-chains',
      log: silentLogger,
      events: {
        event: (target, type, reason, message) => {
          told.push(`${target.kind} ${target.metadata.name} ${type} ${reason} ${message}`);
        },
      },
    });
    let changes = 0;
    settings.onChange(() => changes++);
    expect(settings.current().builderId).toBe('one');
    store.upsert(map({ 'builder.id': 'two', 'artifacts.taskrun.signer': 'pgp' }, '2'));
    expect(settings.current()).toMatchObject({ builderId: 'two', taskrun: { signer: 'x509' } });
    expect(told).toEqual([
      expect.stringMatching(/^ConfigMap chains-config Warning InvalidConfiguration key artifacts.taskrun.signer/),
    ]);
    store.upsert({
      ...map({ 'builder.id': 'elsewhere' }, '3'),
      metadata: { name: 'chains-config', namespace: 'other', resourceVersion: '3' },
    });
    expect(settings.current().builderId).toBe('two');
    store.delete(map({}, '4'));
    expect(settings.current().builderId).toBe('https://tekton.dev/chains/v2');
    expect(changes).toBe(2);
  });

  it('without a signer are waited for: one event, nothing else, until a key comes', async () => {
    const client = new FakeKubeClient();
    const end = new AbortController();
    const told: string[] = [];
    const events = {
      event: (target: { kind?: string; metadata: { name?: string } }, type: string, reason: string) =>
        void told.push(`${type} ${reason} ${target.kind} ${target.metadata.name}`),
    };
    const own = await watchOwnNamespace(
      {
        client: client as unknown as KubeClient,
        namespace: 'tekton-chains',
        watchSecret: true,
        events: events as never,
        log: silentLogger,
      },
      end.signal,
    );
    client.seed(configMaps, { metadata: { name: 'chains-info', namespace: 'tekton-chains' }, data: {} });
    const ready = vi.fn();
    const waiting = { client, own, namespace: 'tekton-chains', events: events as never, log: silentLogger, ready };
    let isOver = false;
    const over = untilSignerIsThere(waiting, end.signal).then(() => (isOver = true));
    client.seed(configMaps, map({ 'artifacts.taskrun.storage': 'oci' }, '9'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ isOver, told }).toEqual({ isOver: false, told: ['Normal NothingIsSigned Secret signing-secrets'] });
    expect(ready).toHaveBeenCalledOnce();
    expect((await client.get(configMaps, 'tekton-chains', 'chains-info')).data).toEqual({ signing: 'waiting' });
    client.seed(secrets, {
      metadata: { name: 'signing-secrets', namespace: 'tekton-chains' },
      data: { 'cosign.key': Buffer.from('key').toString('base64') },
    });
    await over;
    await untilSignerIsThere(waiting, end.signal);
    expect(told).toHaveLength(1);
    end.abort();
    await own.running;
  });

  it('that never come end with the role', async () => {
    const client = new FakeKubeClient();
    const end = new AbortController();
    const events = { event: () => undefined } as never;
    const watching = {
      client: client as unknown as KubeClient,
      namespace: 'n',
      watchSecret: true,
      events,
      log: silentLogger,
    };
    const own = await watchOwnNamespace(watching, end.signal);
    const over = untilSignerIsThere(
      { client, own, namespace: 'n', events, log: silentLogger, ready: () => undefined },
      end.signal,
    );
    end.abort();
    await over;
    await own.running;
  });

  it('the Secret is followed, and may be missing', async () => {
    const client = new FakeKubeClient();
    const end = new AbortController();
    const own = await watchOwnNamespace(
      {
        client: client as unknown as KubeClient,
        namespace: 'tekton-chains',
        watchSecret: true,
        events: { event: () => undefined } as never,
        log: silentLogger,
      },
      end.signal,
    );
    expect(own.secret()).toEqual({});
    client.seed(secrets, {
      metadata: { name: 'signing-secrets', namespace: 'tekton-chains' },
      data: { 'x509.pem': Buffer.from('key').toString('base64') },
    });
    client.seed(configMaps, map({ 'builder.id': 'later' }, '9'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Buffer.from(own.secret()['x509.pem'] ?? []).toString()).toBe('key');
    expect(own.settings.current().builderId).toBe('later');
    end.abort();
    await own.running;
  });
});

it("metrics have upstream's names", async () => {
  const registry = new Registry();
  const metrics = createSigningMetrics(registry);
  for (const kind of ['taskrun', 'pipelinerun'] as const) {
    metrics.signCreated(kind);
    metrics.payloadUploaded(kind);
    metrics.payloadStored(kind, 'oci');
    metrics.markedSigned(kind, 0.5);
    metrics.failed(kind, 'tlog');
  }
  metrics.markedFailed('taskrun');
  metrics.observe('fulcio', 1.5, 'success');
  metrics.storing('oci', 'error', 0.2);
  const text = await registry.metrics();
  for (const kind of ['taskrun', 'pipelinerun']) {
    for (const name of ['sign_created', 'payload_uploaded', 'payload_stored', 'marked_signed'])
      expect(text).toMatch(new RegExp(`^watcher_${kind}_${name}_total 1$`, 'm'));
    expect(text).toContain(`watcher_${kind}_signing_failures_total{error_type="tlog"} 1`);
    expect(text).toContain(`watcher_completion_to_signed_seconds_bucket{le="0.5",kind="${kind}"} 1`);
  }
  // One that is not there before its first run would raise no alert.
  expect(text).toContain('watcher_marked_failed_total{kind="taskrun"} 1');
  expect(text).toContain('watcher_marked_failed_total{kind="pipelinerun"} 0');
  expect(text).toContain('watcher_service_call_seconds_bucket{le="2.5",service="fulcio",outcome="success"} 1');
  expect(text).toContain('watcher_storage_seconds_count{backend="oci",outcome="error"} 1');
});

describe('backends', () => {
  it('are made once, and again when that failed', async () => {
    let tries = 0;
    const backend = { name: 'gcs' as const, store: () => Promise.resolve() };
    const get = createBackends(
      {} as never,
      { gcs: () => (tries++ === 0 ? Promise.reject(new Error('no library')) : Promise.resolve(backend)) } as never,
    );
    await expect(get('gcs')).rejects.toThrow('no library');
    expect(await get('gcs')).toBe(backend);
    expect(await get('gcs')).toBe(backend);
    expect(tries).toBe(2);
  });

  it.each(backendNames)('%s is there under its name', async (name) => {
    const get = createBackends({
      client: {} as KubeClient,
      registries: {} as Registries,
      credentials: {
        of: () => {
          throw new Error('not asked');
        },
      },
      runCredentials: {
        of: () => {
          throw new Error('not asked');
        },
      },
      env: {},
      clock: systemClock,
      log: silentLogger,
    });
    expect((await get(name)).name).toBe(name);
  });
});
