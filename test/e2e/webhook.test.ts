import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { needsConversion } from '../../src/api/kind.ts';
import { kinds } from '../../src/api/kinds.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, events } from '../../src/kube/resources.ts';
import { issueAuthority, issueServer } from '../../src/webhook/certificates/issue.ts';
import { lifetimes } from '../../src/webhook/certificates/plan.ts';
import { programs } from '../contract/tkn-programs.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { PodCount } from './pod-count.ts';
import { testCluster } from './setup.ts';

/** The webhook as it is installed: it is switched off, switched on while a run goes on, and replaced under requests. */
process.env['TEKTITE_TEST_KUBECONFIG'] = (await testCluster()).kubeconfig;
const image = 'docker.io/library/busybox:1.36';
const deployment = 'deployment/tekton-pipelines-webhook';
const service = `tekton-pipelines-webhook.${systemNamespace}.svc`;
const names = [service, `${service}.cluster.local`, 'tekton-pipelines-webhook'];
const DAY_MS = 24 * 60 * 60_000;
const bench = openWorkbench('webhook');
let installation: Installation;
let folder: string;
let inFlight: TaskRun;
let podCount: PodCount;
let withoutWebhook: { runs: PipelineRun[]; warning: string; runOnBadSetting: TaskRun };
let certificates: { old: string; next: string; nextKey: string; oldServer: { cert: string; key: string } };

/** What no apply can do, and has to be done before the webhook goes (helm says so). */
async function endConversion(): Promise<void> {
  const body = JSON.stringify({ spec: { conversion: { strategy: 'None', webhook: null } } });
  for (const { plural, group } of kinds.filter(needsConversion))
    await installation.kubectl(['patch', 'crd', `${plural}.${group}`, '--type=merge', '-p', body]);
}

/**
 * Certificates as they are two hours after a new authority joined an old one: servers still are the old one's, and what
 * is signed from now on is the new one's.
 */
async function changingAuthority(): Promise<Record<string, string>> {
  const at = (agoMs: number) => new Date(Date.now() - agoMs);
  const old = await issueAuthority('tekton-pipelines-webhook', at(800 * DAY_MS), lifetimes.authorityMs);
  const next = await issueAuthority('tekton-pipelines-webhook', at(DAY_MS / 12), lifetimes.authorityMs);
  const server = await issueServer(old, names, at(DAY_MS), lifetimes.serverMs);
  const oldServer = await issueServer(old, names, at(80 * DAY_MS), lifetimes.serverMs);
  certificates = { old: old.cert, next: next.cert, nextKey: next.key, oldServer };
  return {
    'server-cert.pem': server.cert,
    'server-key.pem': server.key,
    'ca-cert.pem': next.cert + old.cert,
    'ca-key.pem': next.key,
  };
}

/** A setting that is none, which nobody refuses: what the controller says of it, and a run that goes on as before. */
async function badSetting(): Promise<{ warning: string; runOnBadSetting: TaskRun }> {
  const put = (value: string | null) =>
    bench.client.patch(configMaps, systemNamespace, 'feature-flags', {
      type: 'merge',
      body: { data: { 'keep-pod-on-cancel': value } },
    });
  const value = `perhaps-${Date.now()}`;
  await put(value);
  try {
    const fieldSelector = 'involvedObject.kind=ConfigMap,involvedObject.name=feature-flags,type=Warning';
    const warning = await vi.waitFor(
      async () => {
        const { items } = await bench.client.list(events, { namespace: systemNamespace, fieldSelector });
        const found = items.find(({ message }) => message?.includes(`"${value}"`))?.message;
        expect(found).toBeDefined();
        return found ?? '';
      },
      { timeout: 15_000, interval: 200 },
    );
    return { warning, runOnBadSetting: await bench.runTask({ taskSpec: { steps: [echo] } }) };
  } finally {
    await put(null);
  }
}

/** Writes the Secret, with no word of it in a command line. */
async function writeSecret(how: 'create' | 'patch', data: Record<string, string>): Promise<void> {
  const file = path.join(folder, 'secret.yaml');
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'webhook-certs' }, stringData: data };
  await writeFile(file, stringify(secret), { mode: 0o600 });
  const words = {
    create: ['create', '-f', file],
    patch: ['patch', 'secret', 'webhook-certs', '--type=merge', `--patch-file=${file}`],
  };
  await installation.kubectl(words[how]);
}

async function authorityOfServer(): Promise<'old' | 'next' | 'another'> {
  const read = ['get', 'secret', 'webhook-certs', '-o', 'jsonpath={.data.server-cert\\.pem}'];
  const server = new X509Certificate(Buffer.from(await installation.kubectl(read), 'base64'));
  const by = (pem: string) => server.verify(new X509Certificate(pem).publicKey);
  return by(certificates.old) ? 'old' : by(certificates.next) ? 'next' : 'another';
}

beforeAll(async () => {
  installation = await Installation.open();
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-webhook-'));
  await endConversion();
  await installation.upgrade({ 'webhook.enabled': 'false' });
  const [runs, setting] = await Promise.all([
    Promise.all(wrongRuns.map(({ spec }) => bench.runPipeline(spec))),
    badSetting(),
  ]);
  withoutWebhook = { runs, ...setting };
  podCount = new PodCount(bench.client, bench.namespace);
  inFlight = await bench.startTask({
    taskSpec: {
      results: [{ name: 'said' }],
      steps: [{ name: 'work', image, script: '#!/bin/sh\nsleep 20\nprintf done > $(results.said.path)\n' }],
    },
  });
  await writeSecret('create', await changingAuthority());
  await installation.upgrade();
}, 300_000);

afterAll(async () => {
  await installation.close();
  await rm(folder, { recursive: true, force: true });
}, 300_000);

/** kubectl in the test's namespace; what it says when it fails. */
function kubectl(args: string[], object?: object): Promise<string> {
  const words = ['--namespace', bench.namespace, ...args];
  return installation.kubectl(words, object === undefined ? undefined : stringify(object));
}

const apply = (object: object) => kubectl(['apply', '-f', '-'], object);
const read = async (kind: string, version: string, name: string) =>
  JSON.parse(await kubectl(['get', `${kind}.${version}.tekton.dev`, name, '-o', 'json'])) as Record<string, object>;

const echo = { name: 'say', image, script: 'echo hi' };

/** Wrong in themselves: refused by the webhook, ended by the controller where there is none. */
const wrongRuns: { name: string; spec: PipelineRun['spec']; reason: RegExp; message: RegExp }[] = [
  {
    name: 'a cycle',
    spec: {
      pipelineSpec: {
        tasks: [
          { name: 'a', runAfter: ['b'], taskSpec: { steps: [echo] } },
          { name: 'b', runAfter: ['a'], taskSpec: { steps: [echo] } },
        ],
      },
    },
    reason: /^(PipelineValidationFailed|PipelineInvalidGraph)$/,
    message: /cycle detected; task "a" depends on "b"/,
  },
  {
    name: 'an unknown field in an embedded task',
    spec: { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps: [echo], stpes: [] } }] } } as never,
    reason: /^PipelineValidationFailed$/,
    message: /unknown field "stpes".*spec\.pipelineSpec\.tasks\[0\]\.taskSpec\.stpes/s,
  },
];

describe.each(wrongRuns.map((row, index) => ({ ...row, index })))('a PipelineRun with $name', (row) => {
  it('ends with a condition that says so where there is no webhook', () => {
    expect(succeededCondition(withoutWebhook.runs[row.index]?.status)).toMatchObject({
      status: 'False',
      reason: expect.stringMatching(row.reason) as string,
      message: expect.stringMatching(row.message) as string,
    });
  });

  it('is refused with that text when it is created', async () => {
    const said = await bench.startPipeline(row.spec).then(() => 'taken', String);
    expect(said).toMatch(/admission webhook "(validation\.)?webhook\.pipeline\.tekton\.dev" denied the request/);
    expect(said).toMatch(row.message);
  });
});

it('without the webhook a bad setting ends in a Warning event that names key and value, and runs go on', () => {
  const { warning, runOnBadSetting } = withoutWebhook;
  expect(warning).toMatch(/keep-pod-on-cancel.*"perhaps-\d+".*use "true" or "false"/);
  expect(succeededCondition(runOnBadSetting.status)?.status).toBe('True');
  expect(runOnBadSetting.status?.provenance?.featureFlags).not.toHaveProperty('enableKeepPodOnCancel');
});

const step = { name: 'say', image, script: '#!/bin/sh\necho "$(params.word)" | tee $(results.said.path)\n' };
const task = {
  apiVersion: 'tekton.dev/v1beta1',
  kind: 'Task',
  metadata: { name: 'say' },
  spec: {
    params: [{ name: 'word', default: 'hi' }],
    results: [{ name: 'said' }],
    steps: [{ ...step, resources: { requests: { cpu: '10m' } } }],
  },
};

describe('the webhook', () => {
  it('is switched on without a run in flight noticing', async () => {
    const ended = await bench.waitFor(inFlight);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'True' });
    expect(ended.status?.results).toMatchObject([{ name: 'said', value: 'done' }]);
    expect((await podCount.end())[inFlight.metadata.name ?? '']).toBe(1);
    const seen = await read('taskruns', 'v1beta1', inFlight.metadata.name ?? '');
    expect(seen['status']).toMatchObject({ taskResults: [{ name: 'said', value: 'done' }] });
  });

  it('takes v1beta1 from kubectl, runs it, and shows it as v1', async () => {
    await kubectl(['delete', 'task/say', 'pipelinerun/old', '--ignore-not-found']);
    await apply(task);
    expect((await read('tasks', 'v1', 'say'))['spec']).toMatchObject({
      params: [{ name: 'word', type: 'string', default: 'hi' }],
      steps: [{ computeResources: { requests: { cpu: '10m' } } }],
    });
    await apply({
      apiVersion: 'tekton.dev/v1beta1',
      kind: 'PipelineRun',
      metadata: { name: 'old' },
      spec: {
        timeout: '5m',
        serviceAccountName: 'default',
        pipelineSpec: {
          tasks: [{ name: 'first', taskRef: { name: 'say' }, params: [{ name: 'word', value: 'hello' }] }],
          results: [{ name: 'word', value: '$(tasks.first.results.said)' }],
        },
      },
    });
    const created = await read('pipelineruns', 'v1', 'old');
    expect(created['spec']).toMatchObject({
      timeouts: { pipeline: '5m' },
      taskRunTemplate: { serviceAccountName: 'default' },
    });
    await kubectl(['wait', '--for=condition=Succeeded', '--timeout=60s', 'pipelineruns.v1beta1.tekton.dev/old']);
    const old = await read('pipelineruns', 'v1beta1', 'old');
    expect(old['status']).toMatchObject({ pipelineResults: [{ name: 'word', value: 'hello\n' }] });
  });

  it('shows it to tkn', async () => {
    for (const tkn of await programs()) {
      const { status, out } = await tkn.run(['pipelinerun', 'describe', 'old', '--namespace', bench.namespace]);
      expect([tkn.name, status, out]).toEqual([tkn.name, 0, expect.stringMatching(/Succeeded[\s\S]*word +hello/)]);
    }
  });

  it('says all that is wrong at once', async () => {
    const bad = {
      apiVersion: 'tekton.dev/v1beta1',
      kind: 'Pipeline',
      metadata: { name: 'bad' },
      spec: {
        tasks: [
          { name: 'a', runAfter: ['b'], taskRef: { name: 't' } },
          { name: 'b', runAfter: ['a'], taskSpec: { steps: [{ script: 'true' }] } },
        ],
      },
    };
    const said = await apply(bad).then(() => 'taken', String);
    expect(said).toContain(
      'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: invalid value: cycle detected; task "a" depends on "b": spec.tasks\nmissing field(s): spec.tasks[1].taskSpec.steps[0].image',
    );
  });

  it('goes on with the certificate that it found', async () => {
    expect(await authorityOfServer()).toBe('old');
  });

  it('is rolled over, to servers of another authority, and loses no request', async () => {
    const { cert, key } = certificates.oldServer;
    // Its time is nearly up: the next replica to start has a new one made, by the authority that joined.
    await writeSecret('patch', { 'server-cert.pem': cert, 'server-key.pem': key });
    const requests = new Requests();
    await installation.kubectl(['rollout', 'restart', deployment]);
    await installation.kubectl(['rollout', 'status', deployment, '--timeout=120s']);
    await gone();
    const { answered, failures } = await requests.end();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(50);
    expect(await authorityOfServer()).toBe('next');
  });
});

/** Waits until the replicas that were replaced are no more. */
async function gone(): Promise<void> {
  const selector = 'app.kubernetes.io/name=webhook,app.kubernetes.io/part-of=tekton-pipelines';
  for (let left = 240; left > 0; left -= 1) {
    const pods = await installation.kubectl(['get', 'pods', '--selector', selector, '-o', 'name']);
    if (pods.trim().split('\n').length === 2) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error("the webhook's old pods did not go within a minute");
}

/** Asks for defaults, validation and conversion without a pause, until it is told to end. */
class Requests {
  #going = true;
  #answered = 0;
  readonly #failures: string[] = [];
  readonly #loops = [1, 2].map(() => this.#loop());

  async end(): Promise<{ answered: number; failures: string[] }> {
    this.#going = false;
    await Promise.all(this.#loops);
    return { answered: this.#answered, failures: this.#failures };
  }

  async #loop(): Promise<void> {
    const base = `/apis/tekton.dev/v1beta1/namespaces/${bench.namespace}/tasks`;
    const body = JSON.stringify({ ...task, metadata: { generateName: 'asked-' } });
    while (this.#going) {
      try {
        await bench.client.raw('POST', base, {
          body,
          contentType: 'application/json',
          query: { dryRun: 'All' },
          attempts: 1,
        });
        await bench.client.raw('GET', `${base}/say`, { attempts: 1 });
        this.#answered += 1;
      } catch (error) {
        this.#failures.push(String(error));
      }
    }
  }
}
