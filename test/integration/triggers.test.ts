import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../src/api/resources.ts';
import { eventListeners } from '../../src/api/triggers/objects.ts';
import { HttpClient } from '../../src/http/client.ts';
import { isNotFound } from '../../src/kube/api-error.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, deployments, podDisruptionBudgets, secrets, services } from '../../src/kube/resources.ts';
import { main as triggersController } from '../../src/triggers/controller.ts';
import { replicasAnnotation } from '../../src/triggers/eventlistener/objects.ts';
import { issueCertificate } from '../../src/triggers/interceptors/role/certificate.ts';
import { logLevelAnnotation } from '../../src/triggers/sink/log-level.ts';
import { eventually, TriggersWorld } from './triggers-world.ts';

/** A listener of GitHub's pushes on a real API server, its sink with the rights that the chart's roles give. */
const runs = pipelineRuns;
const secret = 'It is a secret to everybody';
let world: TriggersWorld;
let client: KubeClient;
let namespace = '';
let port = 0;
let endSink: () => Promise<number>;

const startSink = async () => {
  ({ port, end: endSink } = await world.startSink('github-listener', ['--drain-seconds=1']));
};

beforeAll(async () => {
  world = await TriggersWorld.open('triggers');
  ({ client, namespace } = world);
  const data = { secretToken: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { name: 'github-webhook-secret', namespace }, data });
  await world.startInterceptors(['github', 'cel']);
  const kubeconfig = `--kubeconfig=${world.kubeconfig}`;
  world.start(triggersController, [kubeconfig, '--el-image=example.com/tektite:test', '--disable-ha']);
  await world.apply(readFileSync(path.join(import.meta.dirname, 'triggers/github-push.yaml'), 'utf8'));
  // It still takes events for a second, as a Service sends them for a while.
  await startSink();
}, 120_000);

afterAll(() => world.close(), 60_000);

const push = (ref: string, after: string) =>
  JSON.stringify({
    ref,
    after,
    repository: { full_name: 'acme/widget-api', clone_url: 'https://github.com/acme/widget-api.git' },
    sender: { login: 'ann' },
  });

interface Posted {
  status: number;
  answer: {
    eventID?: string;
    eventListener?: string;
    errorMessage?: string;
    triggers?: { outcome: string; message?: string; interceptor?: string; created?: { name: string }[] }[];
  };
}

async function post(body: string, more: Record<string, string> = {}): Promise<Posted> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': signature,
    ...more,
  };
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers });
  const text = await response.text();
  return { status: response.status, answer: (text === '' ? {} : JSON.parse(text)) as Posted['answer'] };
}

/** What a body is answered with that is only announced. */
function announced(length: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': length };
    const asked = request({ port, host: '127.0.0.1', method: 'POST', headers }, (response) => {
      resolve(response.statusCode);
      asked.destroy();
    });
    asked.on('error', reject);
    asked.flushHeaders();
  });
}

async function annotate(annotations: Record<string, string | null>): Promise<void> {
  const body = { metadata: { annotations } };
  const { metadata } = await client.patch(eventListeners, namespace, 'github-listener', { type: 'merge', body });
  // The sink has heard of it.
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(metadata.name).toBe('github-listener');
}

const of = async (eventId: string) =>
  (await client.list(runs, { namespace, labelSelector: `triggers.tekton.dev/triggers-eventid=${eventId}` })).items;

describe('the controller', () => {
  it('makes a Deployment and a Service, and says where the listener is', async () => {
    const listener = await eventually(async () => {
      const found = await client.get(eventListeners, namespace, 'github-listener');
      return found.status?.address?.url ? found : undefined;
    }, 'the status');
    expect(listener.status).toMatchObject({
      address: { url: `http://el-github-listener.${namespace}.svc.cluster.local:8080` },
      configuration: { generatedName: 'el-github-listener' },
    });
    const types = listener.status?.conditions?.map(({ type, status }) => `${type} ${status}`);
    expect(types).toEqual(expect.arrayContaining(['Deployment True', 'Service True', 'Ready False']));
    const deployment = await client.get(deployments, namespace, 'el-github-listener');
    expect(deployment.spec?.template.spec).toMatchObject({
      serviceAccountName: 'tekton-triggers-sa',
      containers: [{ name: 'event-listener', image: 'example.com/tektite:test' }],
    });
    const { spec } = await client.get(services, namespace, 'el-github-listener');
    expect(spec?.ports?.map(({ name, port: number }) => [name, number])).toEqual([
      ['http-listener', 8080],
      ['http-metrics', 9000],
    ]);
  });

  it('leaves replicas to whoever scales', async () => {
    await scaleByHand();
    await annotate({ 'example.com/touched': 'yes' });
    await eventually(async () => {
      const { metadata, spec } = await client.get(deployments, namespace, 'el-github-listener');
      return metadata.annotations?.['example.com/touched'] === 'yes' && spec?.replicas === 3 ? true : undefined;
    }, 'the annotation');
  });

  const change = (spec: object) =>
    client.patch(eventListeners, namespace, 'github-listener', { type: 'merge', body: { spec } });
  const scaled = (replicas: number | null) => change({ resources: { kubernetesResource: { replicas } } });
  const scale = async () => (await client.get(deployments, namespace, 'el-github-listener')).spec?.replicas;
  const scaleByHand = () =>
    client.patch(deployments, namespace, 'el-github-listener', { type: 'merge', body: { spec: { replicas: 3 } } });
  const letGo = async () => {
    await scaled(null);
    await eventually(async () => {
      const { metadata } = await client.get(deployments, namespace, 'el-github-listener');
      return metadata.annotations?.[replicasAnnotation] === undefined ? true : undefined;
    }, 'the end of the annotation');
  };
  const budget = () =>
    client.get(podDisruptionBudgets, namespace, 'el-github-listener').catch((error: unknown) => {
      if (isNotFound(error)) return null;
      throw error;
    });

  it('keeps a node from taking several replicas at once, whoever scales them', async () => {
    await letGo();
    await scaleByHand();
    const { metadata, spec } = await eventually(async () => (await budget()) ?? undefined, 'the budget');
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'EventListener', name: 'github-listener' }]);
    expect([spec?.maxUnavailable, spec?.selector?.matchLabels]).toMatchObject([
      1,
      { eventlistener: 'github-listener' },
    ]);
    await scaled(1);
    await eventually(async () => ((await budget()) === null ? true : undefined), 'the end of the budget');
  });

  it('leaves replicas that the listener says no more as they are', async () => {
    await scaled(4);
    await eventually(async () => ((await scale()) === 4 ? true : undefined), 'the replicas');
    await letGo();
    expect(await scale()).toBe(4);
  });

  it('makes no second budget for pods that have one', async () => {
    await eventually(async () => (await budget()) ?? undefined, 'the budget');
    const selector = { matchLabels: { eventlistener: 'github-listener' } };
    const own = { metadata: { name: 'own', namespace }, spec: { minAvailable: 1, selector } };
    await client.create(podDisruptionBudgets, own);
    await eventually(async () => ((await budget()) === null ? true : undefined), 'the end of the budget');
    await client.delete(podDisruptionBudgets, namespace, 'own');
    await eventually(async () => (await budget()) ?? undefined, 'the budget');
  });

  it('tells sinks at which level they log without starting them anew', async () => {
    const deployment = () => client.get(deployments, namespace, 'el-github-listener');
    const level = async () =>
      (await client.get(eventListeners, namespace, 'github-listener')).status?.annotations?.[logLevelAnnotation];
    await eventually(async () => ((await level()) === 'info' ? true : undefined), 'the level');
    const before = (await deployment()).metadata.generation;
    const metadata = { name: 'config-logging-triggers', namespace: world.system };
    await client.create(configMaps, { metadata, data: { 'loglevel.eventlistener': 'error' } });
    await eventually(async () => ((await level()) === 'error' ? true : undefined), 'the level');
    expect((await deployment()).metadata.generation).toBe(before);
  });
});

describe('a push', () => {
  it('that GitHub signed creates one PipelineRun of the template', async () => {
    const { status, answer } = await post(push('refs/heads/main', '5f71df9'), { 'x-github-delivery': 'd-1' });
    expect([status, answer]).toEqual([
      202,
      {
        eventListener: 'github-listener',
        namespace,
        eventListenerUID: expect.any(String) as string,
        eventID: expect.any(String) as string,
      },
    ]);
    const [run] = await eventually(async () => {
      const found = await of(answer.eventID ?? '');
      return found.length > 0 ? found : undefined;
    }, 'the run');
    expect(run?.metadata).toMatchObject({
      labels: { 'triggers.tekton.dev/eventlistener': 'github-listener', 'triggers.tekton.dev/trigger': 'github-push' },
      annotations: {
        'triggers.tektite.dev/event-type': 'push',
        'triggers.tektite.dev/delivery-id': 'd-1',
        'triggers.tektite.dev/sender': 'ann',
        'triggers.tektite.dev/repository': 'acme/widget-api',
        'triggers.tektite.dev/revision': '5f71df9',
        'triggers.tektite.dev/branch': 'main',
        'triggers.tektite.dev/forge': 'github',
      },
    });
    expect(run?.metadata.name).toMatch(/^build-and-push-[a-z0-9]{8}$/);
    expect(run?.spec.params).toEqual([
      { name: 'repo-url', value: 'https://github.com/acme/widget-api.git' },
      { name: 'image-ref', value: 'registry.acme.io/widget-api:5f71df9' },
    ]);
  });

  it('that may not start anything creates none, and the answer says why when asked to', async () => {
    await annotate({ 'triggers.tektite.dev/answer': 'outcome' });
    const rows: [string, Posted, object][] = [
      [
        'another branch',
        await post(push('refs/heads/other', 'a')),
        {
          outcome: 'stopped',
          interceptor: 'cel',
          message: "expression body.ref == 'refs/heads/main' did not return true",
        },
      ],
      [
        'another event',
        await post(push('refs/heads/main', 'b'), { 'x-github-event': 'ping' }),
        { outcome: 'stopped', interceptor: 'github', message: 'event type ping is not allowed' },
      ],
      [
        'a wrong signature',
        await post(push('refs/heads/main', 'c'), { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }),
        { outcome: 'stopped', interceptor: 'github', message: 'payload signature check failed' },
      ],
      [
        'nothing to bind',
        await post('{"ref":"refs/heads/main"}'),
        {
          outcome: 'failed',
          message: expect.stringContaining('failed to replace JSONPath value for param repo-url') as string,
        },
      ],
    ];
    for (const [name, { status, answer }, outcome] of rows) {
      expect([name, status, answer.triggers]).toEqual([name, 202, [{ trigger: 'github-push', namespace, ...outcome }]]);
      expect(await of(answer.eventID ?? '')).toEqual([]);
    }
  });

  it('that is delivered again creates nothing twice, where the listener says so', async () => {
    const window = 'triggers.tektite.dev/redelivery-window';
    const ignored = { 'triggers.tektite.dev/answer': 'outcome', 'triggers.tektite.dev/redelivery': 'ignore' };
    for (const [commit, annotations] of [
      ['d', ignored],
      ['within-an-hour', { ...ignored, [window]: '1h' }],
    ] as const) {
      await annotate(annotations);
      await isTakenOnce(`${commit}-${randomUUID()}`);
    }
  });

  async function isTakenOnce(commit: string): Promise<void> {
    const delivery = { 'x-github-delivery': `${commit}-again` };
    const first = await post(push('refs/heads/main', commit), delivery);
    const second = await post(push('refs/heads/main', commit), delivery);
    // Anyone may write the header: the signature covers the body.
    const renamed = await post(push('refs/heads/main', commit), { 'x-github-delivery': `${commit}-other` });
    const other = await post(push('refs/heads/main', `${commit}-next`), delivery);
    const outcomes = [first, second, renamed, other].map(({ answer }) => answer.triggers?.[0]);
    const [name] = outcomes.map((outcome) => outcome?.created?.[0]?.name);
    expect(outcomes.map((outcome) => outcome?.outcome)).toEqual(['created', 'repeated', 'repeated', 'created']);
    expect(outcomes[1]?.message).toBe(`this event was taken before: it made PipelineRun ${name}`);
    expect((await of(first.answer.eventID ?? '')).length).toBe(1);
    expect(await of(second.answer.eventID ?? '')).toEqual([]);
  }

  it('that does not fit is told so', async () => {
    expect(await post('[]')).toMatchObject({
      status: 400,
      answer: { errorMessage: 'Invalid event body format: it is no JSON object' },
    });
    expect(await post('')).toMatchObject({ status: 400 });
    expect(await post('{"a":'.repeat(1_000))).toMatchObject({ status: 400 });
    expect(await announced(26 * 1024 * 1024)).toBe(413);
  });

  it('as a CloudEvent is answered with one', async () => {
    await annotate({ 'triggers.tektite.dev/answer': null });
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-type': 't',
      'ce-source': 's',
      'content-type': 'application/json',
    };
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}', headers });
    expect([response.status, response.headers.get('ce-type')]).toEqual([202, 'dev.tekton.event.triggers.accepted.v1']);
  });
});

describe('a sink that is rolled over', () => {
  /** Posts one push after the other until nobody answers; returns the ids of those that were accepted. */
  async function postUntilRefused(sender: string): Promise<string[]> {
    const accepted: string[] = [];
    for (let index = 0; index < 2_000; index++) {
      const posted = await post(push('refs/heads/main', `${sender}-${index}`)).catch(() => undefined);
      if (posted === undefined) return accepted;
      expect(posted.status).toBe(202);
      accepted.push(posted.answer.eventID ?? '');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the sink did not end');
  }

  it('brings each event to its end that it answered with 202', async () => {
    await startSink();
    const posting = Array.from({ length: 6 }, (_, sender) => postUntilRefused(`${randomUUID()}-${sender}`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await endSink()).toBe(0);
    const accepted = (await Promise.all(posting)).flat();
    expect(accepted.length).toBeGreaterThan(posting.length);
    const labelSelector = 'triggers.tekton.dev/eventlistener=github-listener';
    const { items } = await client.list(runs, { namespace, labelSelector });
    const made = new Set(items.map(({ metadata }) => metadata.labels?.['triggers.tekton.dev/triggers-eventid']));
    expect(accepted.filter((id) => !made.has(id))).toEqual([]);
  });
});

describe('a sink with a certificate', () => {
  it('speaks TLS with it', async () => {
    const made = await issueCertificate(['localhost'], new Date());
    const folder = await mkdtemp(path.join(tmpdir(), 'triggers-tls-'));
    const [cert, key] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
    await Promise.all([writeFile(cert, made['server-cert.pem']), writeFile(key, made['server-key.pem'])]);
    const trust = new HttpClient({ attempts: 1, deadlineMs: 5_000, ca: [made['ca-cert.pem']] });
    const tls = [`--tls-cert=${cert}`, `--tls-key=${key}`];
    const ask = async (tlsPort: number, where: string) => {
      const url = new URL(`https://localhost:${tlsPort}${where}`);
      const asked = { method: 'POST', url, operation: 'test', body: '{}' } as const;
      return (await trust.send(asked, AbortSignal.timeout(5_000))).status;
    };
    try {
      const live = async (tlsPort: number) => (await ask(tlsPort, '/live')) === 200;
      const served = await world.startSink('github-listener', tls, live);
      expect(await ask(served.port, '/')).toBe(202);
      await expect(fetch(`http://127.0.0.1:${served.port}/live`)).rejects.toThrow();
    } finally {
      await trust.close();
      await rm(folder, { recursive: true });
    }
  });
});
