import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainsValues, cosignPath, provideKeys, waitUntilSigned } from '../../hack/demo/attestations.ts';
import { prepareStage, type Stage } from '../../hack/demo/stage.ts';
import { headOfMain, listen, listener, listenerSecret, push, runOf } from '../../hack/demo/trigger.ts';
import { command } from '../../hack/command.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { eventListeners } from '../../src/api/triggers/objects.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { testCluster } from './setup.ts';

/** GitHub's events at a listener's Service, from pods of the cluster: the demo's listener, with roles of the chart. */
const bench = openWorkbench('triggers');
const runs = pipelineRuns;
const node = 'docker.io/library/node:26-slim';
let installation: Installation;
let stage: Stage;
let cosign: string;
let publicKey: string;

const annotate = (...words: string[]) =>
  stage.kubectl(['annotate', '--overwrite', `eventlistener/${listener}`, ...words]);

beforeAll(async () => {
  installation = await Installation.open();
  const sharedSink = { enabled: true, replicas: 1, podDisruptionBudget: { enabled: false } };
  await installation.upgrade({ ...chainsValues, 'triggers.sharedSink': sharedSink });
  const target = await testCluster();
  const { namespace } = bench;
  stage = {
    target,
    namespace,
    kubectl: (args, input) => installation.kubectl(['--namespace', namespace, ...args], input),
  };
  cosign = (await cosignPath(target)) ?? '';
  publicKey = await provideKeys(cosign, stage.kubectl);
  await listen(stage, await prepareStage(stage));
}, 300_000);

afterAll(async () => {
  await stage.kubectl(['delete', 'clusterrolebinding', `tekton-triggers-sa-${bench.namespace}`, '--ignore-not-found']);
  await installation.upgradeWithoutKey();
  await installation.close();
}, 300_000);

/** A step of a TaskRun that posts to the listener. The script finds `sign(body)` and `post(body, headers)`. */
const posting = (script: string): TaskRun['spec'] => ({
  taskSpec: {
    steps: [
      {
        name: 'post',
        image: node,
        env: [
          {
            name: 'SECRET',
            valueFrom: { secretKeyRef: { name: listenerSecret.name, key: listenerSecret.key } },
          },
        ],
        command: ['node', '--input-type=module', '-e'],
        args: [`${sender}\n${script}`],
      },
    ],
  },
});

const sender = `
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
const url = 'http://el-${listener}:8080/';
const sign = (body) => 'sha256=' + createHmac('sha256', process.env.SECRET).update(body).digest('hex');
const push = (after, ref = 'refs/heads/main') =>
  JSON.stringify({ ref, after, repository: { full_name: 'demo/greeter', clone_url: 'http://git-server/greeter.git' } });
const post = async (body, headers = {}) => {
  const all = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': sign(body), ...headers };
  const answer = await fetch(url, { method: 'POST', body, headers: all });
  return { status: answer.status, answer: await answer.json() };
};
const announce = (length) => new Promise((resolve, reject) => {
  const headers = { 'content-type': 'application/json', 'content-length': length };
  const asked = request(url, { method: 'POST', headers }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk));
    response.on('end', () => resolve({ status: response.statusCode, answer: JSON.parse(text) }));
  });
  asked.on('error', reject);
  asked.flushHeaders();
});
const say = (name, what) => console.log('SAID ' + JSON.stringify([name, what]));
`;

interface Said {
  status: number;
  answer: { eventID?: string; errorMessage?: string; triggers?: { outcome: string; message?: string }[] };
}

/** What a posting TaskRun said, by name. */
async function saidBy(run: TaskRun): Promise<Record<string, Said>> {
  const ended = await bench.waitFor(run);
  const { out } = await bench.tektite('taskrun', 'logs', ended.metadata.name ?? '');
  expect(succeededCondition(ended.status), out).toMatchObject({ status: 'True' });
  const lines = [...out.matchAll(/SAID (.*)$/gm)].map((line) => JSON.parse(line[1] ?? '') as [string, Said]);
  return Object.fromEntries(lines);
}

async function eventsWithRuns(): Promise<string[]> {
  const labelSelector = `triggers.tekton.dev/eventlistener=${listener}`;
  const { items } = await bench.client.list(runs, { namespace: bench.namespace, labelSelector });
  return items.map(({ metadata }) => metadata.labels?.['triggers.tekton.dev/triggers-eventid'] ?? '');
}

describe('a push that GitHub signed', () => {
  it('becomes a signed image of its commit', async () => {
    const commit = await headOfMain(stage.kubectl);
    const answer = await push(stage.kubectl, commit);
    expect(JSON.parse(answer)).toMatchObject({ eventListener: listener, namespace: bench.namespace });
    const name = await runOf(stage.kubectl, answer);
    const run = await bench.waitFor(await bench.client.get(runs, bench.namespace, name), undefined, 120);
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
    const results = Object.fromEntries((run.status?.results ?? []).map(({ name: key, value }) => [key, String(value)]));
    expect(results['commit']).toBe(commit);
    await waitUntilSigned(stage.kubectl, name);
    if (stage.target.kind !== 'own') throw new Error('the test runs on the project’s own cluster');
    const image = `${stage.target.registry}/demo/greeter@${results['IMAGE_DIGEST']}`;
    const offline = ['--key', publicKey, '--insecure-ignore-tlog=true', '--allow-http-registry'];
    await command([cosign, 'verify', ...offline, image]);
    await command([cosign, 'verify-attestation', ...offline, '--type', 'slsaprovenance1', image]);
  });
});

describe('what is no push of ours', () => {
  it('starts nothing, and the answer says why', async () => {
    // From here on runs stay pending: what they do was seen.
    const pending = [{ op: 'add', path: '/spec/resourcetemplates/0/spec/status', value: 'PipelineRunPending' }];
    await stage.kubectl(['patch', 'triggertemplate/ci-template', '--type=json', '-p', JSON.stringify(pending)]);
    await annotate('triggers.tektite.dev/answer=outcome', 'triggers.tektite.dev/redelivery=ignore');
    const before = await eventsWithRuns();
    // What was posted at a first try would be a repetition.
    const once = randomUUID();
    const said = await saidBy(
      await bench.startTask(
        posting(`
          say('first', await post(push('a-${once}'), { 'x-github-delivery': 'd-1' }));
          say('replayed', await post(push('a-${once}'), { 'x-github-delivery': 'd-2' }));
          say('badly signed', await post(push('b-${once}'), { 'x-hub-signature-256': sign('other') }));
          say('unsigned', await post(push('c-${once}'), { 'x-hub-signature-256': '' }));
          say('of another branch', await post(push('d-${once}', 'refs/heads/other')));
          say('of another type', await post(push('e-${once}'), { 'x-github-event': 'ping' }));
          say('oversized', await announce(26 * 1024 * 1024));
        `),
      ),
    );
    const outcomes = Object.entries(said).map(([name, { status, answer }]) => {
      const [trigger] = answer.triggers ?? [];
      return [name, status, trigger?.outcome, trigger?.message ?? answer.errorMessage];
    });
    expect(outcomes).toEqual([
      ['first', 202, 'created', undefined],
      ['replayed', 202, 'repeated', expect.stringMatching(/^this event was taken before: it made PipelineRun ci-/)],
      ['badly signed', 202, 'stopped', 'payload signature check failed'],
      ['unsigned', 202, 'stopped', 'Must set X-Hub-Signature-256 header'],
      ['of another branch', 202, 'stopped', "expression body.ref == 'refs/heads/main' did not return true"],
      ['of another type', 202, 'stopped', 'event type ping is not allowed'],
      ['oversized', 413, undefined, 'the body is longer than 26214400 bytes'],
    ]);
    expect((await eventsWithRuns()).length - before.length).toBe(1);
  });
});

describe('a sink that is rolled over', () => {
  it('loses no event that it accepted, and refuses none', async () => {
    await annotate('triggers.tektite.dev/answer-', 'triggers.tektite.dev/redelivery-');
    const before = (await eventsWithRuns()).length;
    const run = await bench.startTask(
      posting(`
        const said = { accepted: [], others: [] };
        for (let count = 0; count < 1000 && !existsSync('/tmp/stop'); count++) {
          const { status, answer } = await post(push('r' + count)).catch((error) => ({ status: String(error.cause) }));
          if (status === 202) said.accepted.push(answer.eventID);
          else said.others.push(status);
          await new Promise((resolve) => setTimeout(resolve, 80));
        }
        say('posted', said);
      `),
    );
    const running = await bench.waitFor(run, ({ status }) => status?.steps?.some((step) => step.running) ?? false);
    const deployment = `deployment/el-${listener}`;
    const podsOf = () => stage.kubectl(['get', 'pods', '-l', `eventlistener=${listener}`, '-o', 'name']);
    const old = (await podsOf()).trim();
    await stage.kubectl(['rollout', 'restart', deployment]);
    await stage.kubectl(['rollout', 'status', deployment, '--timeout=120s']);
    // The old pod has gone: what it accepted is done.
    await stage.kubectl(['wait', '--for=delete', old, '--timeout=60s']);
    await stage.kubectl(['exec', running.status?.podName ?? '', '-c', 'step-post', '--', 'touch', '/tmp/stop']);
    const { posted } = (await saidBy(run)) as unknown as { posted: { accepted: string[]; others: unknown[] } };
    expect(posted.others).toEqual([]);
    expect(posted.accepted.length).toBeGreaterThan(50);
    await expect.poll(async () => (await eventsWithRuns()).length - before).toBe(posted.accepted.length);
    expect(await eventsWithRuns()).toEqual(expect.arrayContaining(posted.accepted));
  });
});

describe('two listeners', () => {
  const both = [listener, 'second'] as const;
  const all = both.map((name) => `eventlistener/${name}`);
  const annotateAll = (value: string) =>
    stage.kubectl(['annotate', '--overwrite', ...all, `triggers.tektite.dev/sink=${value}`]);
  const listOf = async (...what: string[]) => (await stage.kubectl(['get', ...what, '-o', 'name'])).trim();
  const sliceNames = () => listOf('endpointslices', '-l', 'app.kubernetes.io/managed-by=EventListener');

  /** Carries out the commands that a condition has. */
  async function allow(name: string): Promise<void> {
    const path = "jsonpath={.status.conditions[?(@.type=='SharedSink')].message}";
    const forbidden = "jsonpath={.status.conditions[?(@.type=='SharedSink')].reason}=Forbidden";
    await stage.kubectl(['wait', `--for=${forbidden}`, `eventlistener/${name}`, '--timeout=30s']);
    const message = await stage.kubectl(['get', `eventlistener/${name}`, '-o', path]);
    const commands = message.split('to allow it: ')[1]?.split(' && ') ?? [];
    for (const words of commands) await stage.kubectl(words.split(' ').slice(1));
  }

  // A second try of the row finds what the first found.
  beforeEach(async () => {
    const { spec } = await bench.client.get(eventListeners, bench.namespace, listener);
    const right = `shared-sink-${spec?.serviceAccountName}`;
    await stage.kubectl([
      'delete',
      'eventlistener/second',
      `role/${right}`,
      `rolebinding/${right}`,
      '--ignore-not-found',
    ]);
    await annotate('triggers.tektite.dev/sink-');
    for (const state of ['create', 'condition=Available'])
      await stage.kubectl(['wait', `--for=${state}`, `deployment/el-${listener}`, '--timeout=120s']);
  });

  it('are served by one pod behind their Services, and by their own again, without a lost event', async () => {
    const { spec } = await bench.client.get(eventListeners, bench.namespace, listener);
    const metadata = { name: 'second', annotations: { 'triggers.tektite.dev/sink': 'shared' } };
    const second = { apiVersion: 'triggers.tekton.dev/v1beta1', kind: 'EventListener', metadata, spec };
    const before = (await eventsOf(both)).length;
    const run = await bench.startTask(
      posting(`
        const said = { accepted: [], others: [] };
        const go = async (name) => {
          for (let count = 0; count < 3000 && !existsSync('/tmp/stop'); count++) {
            const body = push(name + count);
            const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': sign(body) };
            await fetch('http://el-' + name + ':8080/', { method: 'POST', body, headers }).then(
              async (answer) => {
                const { eventID, eventListener } = await answer.json();
                if (answer.status === 202 && eventListener === name) said.accepted.push(eventID);
                else said.others.push([name, answer.status, eventListener]);
              },
              // Until it is there.
              (error) => (name === 'second' && !said.accepted.length ? undefined : said.others.push([name, String(error.cause)])),
            );
            await new Promise((resolve) => setTimeout(resolve, 150));
          }
        };
        const waiting = async () => {
          while (!existsSync('/tmp/second')) await new Promise((resolve) => setTimeout(resolve, 200));
          await go('second');
        };
        await Promise.all([go('${listener}'), waiting()]);
        say('posted', said);
      `),
    );
    const running = await bench.waitFor(run, ({ status }) => status?.steps?.some((step) => step.running) ?? false);
    const touch = (file: string) =>
      stage.kubectl(['exec', running.status?.podName ?? '', '-c', 'step-post', '--', 'touch', file]);
    await stage.kubectl(['apply', '-f', '-'], JSON.stringify(second));
    await allow('second');
    await annotateAll('shared');
    await stage.kubectl(['wait', '--for=condition=SharedSink', ...all, '--timeout=120s']);
    await touch('/tmp/second');
    await expect.poll(() => listOf('deployments', '-l', 'app.kubernetes.io/managed-by=EventListener')).toBe('');
    await expect
      .poll(async () => (await sliceNames()).split('\n').sort())
      .toEqual(both.map((name) => `endpointslice.discovery.k8s.io/el-${name}-shared-ipv4`).sort());
    // The pods of its own end.
    await stage.kubectl(['wait', '--for=delete', 'pod', '-l', `eventlistener=${listener}`, '--timeout=90s']);
    await annotateAll('own');
    const deployments = both.map((name) => `deployment/el-${name}`);
    await expect.poll(sliceNames, { timeout: 120_000 }).not.toContain('shared');
    await stage.kubectl(['wait', '--for=condition=Available', ...deployments, '--timeout=120s']);
    await touch('/tmp/stop');
    const { posted } = (await saidBy(run)) as unknown as { posted: { accepted: string[]; others: unknown[] } };
    expect(posted.others).toEqual([]);
    expect(posted.accepted.length).toBeGreaterThan(50);
    await expect.poll(async () => (await eventsOf(both)).length - before).toBe(posted.accepted.length);
  });

  async function eventsOf(listeners: readonly string[]): Promise<string[]> {
    const labelSelector = `triggers.tekton.dev/eventlistener in (${listeners.join(',')})`;
    const { items } = await bench.client.list(runs, { namespace: bench.namespace, labelSelector });
    return items.map(({ metadata }) => metadata.labels?.['triggers.tekton.dev/triggers-eventid'] ?? '');
  }
});
