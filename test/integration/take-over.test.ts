import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { command, root } from '../../hack/command.ts';
import { Server, type Json } from './https-server.ts';
import { ControlPlane } from './kube-control-plane.ts';
import { convertedKinds as kinds, definition, systemNamespace as namespace, webhooks } from './tekton-leftovers.ts';

/**
 * "Bring a Tekton cluster over", word for word as the README has it, on an API server that holds what Tekton leaves:
 * CRDs that its webhook converts, with objects of two versions, its webhooks, a Deployment, settings and runs. Here
 * without a webhook of ours, which leaves the most to be done; with it: give-back.test.ts.
 */
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let controlPlane: ControlPlane;
let server: Server;
let folder: string;
let search: string;

beforeEach(async () => {
  controlPlane = await ControlPlane.up(`take-over-${process.pid}`);
  server = new Server(controlPlane.kubeconfig);
});
afterEach(() => controlPlane.down());

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'take-over-'));
  await symlink(path.join(root, 'config'), path.join(folder, 'config'));
  await mkdir(path.join(folder, 'dist'));
  await writeFile(path.join(folder, 'values.yaml'), 'controller: { replicas: 1 }\nwebhook: { enabled: false }\n');
  const tools = ['helm', 'kubectl'].map((name) => command(['hack/cluster', 'tool', name]));
  search = (await Promise.all(tools)).map((tool) => path.dirname(tool.trim())).join(':');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function post(address: string, body: unknown): Promise<void> {
  const { status, body: answer } = await server.call('POST', address, { body });
  expect([address, status, answer.message]).toEqual([address, 201, undefined]);
}

const object = (kind: string, name: string, spec: Json): Json => ({
  apiVersion: 'tekton.dev/v1',
  kind,
  metadata: { name, namespace: 'default' },
  spec,
});
const taskSpec = { steps: [{ name: 'say', image: 'busybox', script: 'echo hi' }] };

/** What Tekton leaves, but for its webhooks. */
async function tektonCluster(): Promise<void> {
  for (const [plural, kind] of Object.entries(kinds)) {
    await post(definitions, definition(plural, kind));
    await server.established(`${plural}.tekton.dev`);
    const storedVersions = { status: { storedVersions: ['v1beta1', 'v1'] } };
    await server.call('PATCH', `${definitions}/${plural}.tekton.dev/status`, {
      body: storedVersions,
      contentType: 'application/merge-patch+json',
    });
  }
  await post('/apis/tekton.dev/v1/namespaces/default/tasks', object('Task', 'kept', taskSpec));
  await post(
    '/apis/tekton.dev/v1/namespaces/default/taskruns',
    object('TaskRun', 'kept', { taskRef: { name: 'kept' } }),
  );
  await post('/api/v1/namespaces', { metadata: { name: namespace } });
  await post(`/api/v1/namespaces/${namespace}/configmaps`, {
    metadata: { name: 'config-defaults' },
    data: { _example: '# upstream', 'default-timeout-minutes': '7' },
  });
  const labels = { 'app.kubernetes.io/name': 'controller', 'app.kubernetes.io/part-of': 'tekton-pipelines' };
  await post(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name: 'tekton-pipelines-controller', labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'upstream' }] } },
    },
  });
}

/** Its webhooks, which nobody answers for once Tekton does not run: every write of a run is refused. */
async function unansweredWebhooks(): Promise<void> {
  const admission = '/apis/admissionregistration.k8s.io/v1';
  const validating = ['validation.webhook.pipeline.tekton.dev', 'config.webhook.pipeline.tekton.dev'];
  for (const name of validating)
    await post(`${admission}/validatingwebhookconfigurations`, webhooks('ValidatingWebhookConfiguration', name));
  await post(
    `${admission}/mutatingwebhookconfigurations`,
    webhooks('MutatingWebhookConfiguration', 'webhook.pipeline.tekton.dev'),
  );
}

/** Runs a block of commands as a person would paste it into a shell in the project's folder. */
function shell(text: string): Promise<string> {
  const env = { KUBECONFIG: controlPlane.kubeconfig, PATH: `${search}:${process.env['PATH'] ?? ''}` };
  // What hangs is named: kubectl waits for ever for what does not go.
  return command(['sh', '-ecx', `cd ${folder}\n${text}`], { env, timeoutMs: 120_000 });
}

/** The blocks of commands below the heading, and the command for kubectl alone that the text names. */
async function documented(): Promise<{ blocks: string[]; applied: string }> {
  const text = await readFile(path.join(root, 'README.md'), 'utf8');
  const section = text.split('## Bring a Tekton cluster over')[1]?.split('\n## ')[0] ?? '';
  const blocks = [...section.matchAll(/```\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const applied = /`(kubectl apply[^`]*)`/.exec(section)?.[1]?.replace(/\s+/g, ' ') ?? '';
  return { blocks, applied };
}

async function expectTakenOver(): Promise<void> {
  for (const plural of Object.keys(kinds)) {
    const { body } = await server.call('GET', `${definitions}/${plural}.tekton.dev`);
    expect(body).toMatchObject({ spec: { conversion: { strategy: 'None' } }, status: { storedVersions: ['v1'] } });
    // v1beta1 is there too, and served from the moment that the webhook converts it.
    const { versions } = body['spec'] as { versions: { name: string; served: boolean }[] };
    expect(versions.filter(({ served }) => served).map(({ name }) => name)).toEqual(['v1']);
  }
  const kept = await server.call('GET', '/apis/tekton.dev/v1/namespaces/default/tasks/kept');
  expect(kept.body).toMatchObject({ spec: taskSpec });
  const run = await server.call('GET', '/apis/tekton.dev/v1/namespaces/default/taskruns/kept');
  expect(run.body).toMatchObject({ spec: { taskRef: { name: 'kept' } } });
  const settings = await server.call('GET', `/api/v1/namespaces/${namespace}/configmaps/config-defaults`);
  expect(settings.body).toMatchObject({ data: { 'default-timeout-minutes': '7' } });
  const deployment = await server.call(
    'GET',
    `/apis/apps/v1/namespaces/${namespace}/deployments/tekton-pipelines-controller`,
  );
  expect(JSON.stringify(deployment.body['spec'])).toContain('ghcr.io/tektite/tektite');
  await post('/apis/tekton.dev/v1/namespaces/default/taskruns', object('TaskRun', 'new', { taskSpec }));
}

describe('a cluster that ran Tekton', () => {
  it(
    'is taken over by the documented steps with Helm, which says what is left to do until then',
    { timeout: 300_000 },
    async () => {
      const { blocks } = await documented();
      expect(blocks).toHaveLength(3);
      const [anew = '', away = '', install = ''] = blocks;
      await tektonCluster();
      await expect(shell(install)).rejects.toThrow(
        /Error: .*CustomResourceDefinition pipelineruns\.tekton\.dev is still converted by a webhook.*kubectl patch crd pipelineruns\.tekton\.dev/,
      );
      await shell(anew);
      await unansweredWebhooks();
      await shell(away.replace(/^.*storedVersions.*$/m, '  true'));
      await expect(shell(install)).rejects.toThrow(/pipelineruns\.tekton\.dev may hold objects stored as v1beta1/);
      await shell(away);
      await shell(install);
      await expectTakenOver();
      // An upgrade afterwards needs nothing of this.
      await shell(install);
    },
  );

  it('is taken over by the documented steps with kubectl', { timeout: 300_000 }, async () => {
    const { blocks, applied } = await documented();
    const [anew = '', away = ''] = blocks;
    const output = path.join(folder, 'dist', 'release.yaml');
    await command([process.execPath, 'hack/release.ts', output, '--set', 'webhook.enabled=false']);
    await tektonCluster();
    await expect(shell(applied)).rejects.toThrow(/webhookClientConfig: Forbidden/);
    await shell(anew);
    await unansweredWebhooks();
    await shell(away);
    await shell(applied);
    await expectTakenOver();
  });
});
