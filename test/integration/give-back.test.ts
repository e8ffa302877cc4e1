import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { bundledProgram } from '../../hack/built-sources.ts';
import { command, root } from '../../hack/command.ts';
import { storedVersion } from '../../src/api/kind.ts';
import { kinds } from '../../src/api/kinds.ts';
import type { Answer, Json } from './https-server.ts';
import { ControlPlane } from './kube-control-plane.ts';
import { realRelease, releaseObjects, systemNamespace } from './tekton-leftovers.ts';
import { addressOf, WebhookWorld } from './webhook-world.ts';

/**
 * A cluster that Tekton ran on is taken over (README), written to by clients of both versions, and given back
 * (config/docs/give-back.md), word for word: every object is there and readable, and nothing of ours is in the way.
 */
const v1 = 'tekton.dev/v1';
const v1beta1 = 'tekton.dev/v1beta1';
const controller = `system:serviceaccount:${systemNamespace}:tekton-pipelines-controller`;
const chains = 'system:serviceaccount:tekton-chains:tekton-chains-controller';
const values = {
  controller: { replicas: 1 },
  chains: { enabled: true },
  featureFlags: { 'enable-api-fields': 'alpha' },
};
const small = releaseObjects()
  .map((object) => stringify(object))
  .join('---\n');
const real = realRelease();

let controlPlane: ControlPlane | undefined;
let world: WebhookWorld | undefined;
let folder: string | undefined;
afterEach(async () => {
  await world?.leave();
  await controlPlane?.down();
  if (folder) await rm(folder, { recursive: true, force: true });
  world = controlPlane = folder = undefined;
});

/** A shell in the project's folder, as an operator has it: helm, kubectl and tektite are in its path. */
async function shellAt(kubeconfig: string, release: string): Promise<(text: string) => Promise<string>> {
  folder = await mkdtemp(path.join(tmpdir(), 'give-back-'));
  const at = folder;
  await symlink(path.join(root, 'config'), path.join(at, 'config'));
  await mkdir(path.join(at, 'dist'));
  await writeFile(path.join(at, 'values.yaml'), stringify(values));
  await writeFile(path.join(at, 'tekton.yaml'), release);
  const cli = await bundledProgram();
  const program = `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`;
  await writeFile(path.join(at, 'tektite'), program, { mode: 0o755 });
  const tools = ['helm', 'kubectl'].map((name) => command(['hack/cluster', 'tool', name]));
  const search = [at, ...(await Promise.all(tools)).map((tool) => path.dirname(tool.trim())), process.env['PATH']];
  const env = { KUBECONFIG: kubeconfig, PATH: search.join(':') };
  return (text) => command(['sh', '-ec', `cd ${at}\n${text}`], { env });
}

/** Blocks of commands of a page, below a heading if one is named. */
async function documented(page: string, heading = ''): Promise<string[]> {
  const text = await readFile(path.join(root, page), 'utf8');
  const section = heading === '' ? text : (text.split(`## ${heading}`)[1]?.split('\n## ')[0] ?? '');
  return [...section.matchAll(/```\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
}

const steps = [{ name: 's', image: 'busybox', script: 'true' }];
const object = (apiVersion: string, kind: string, name: string, spec: Json) => ({
  apiVersion,
  kind,
  metadata: { name },
  spec,
});

/** What clients of both versions write while Tektite runs. */
const written = [
  object(v1, 'Task', 'new', { params: [{ name: 'p', default: ['a'] }], steps }),
  object(v1beta1, 'Task', 'old', { steps: [{ ...steps[0], resources: { requests: { cpu: '1' } } }] }),
  object(v1, 'Pipeline', 'new', { tasks: [{ name: 'a', taskRef: { name: 'new' } }] }),
  object(v1beta1, 'PipelineRun', 'old', { pipelineRef: { name: 'new' }, serviceAccountName: 'ci', timeout: '10m' }),
  object(v1, 'PipelineRun', 'new', { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps } }] } }),
  object(v1beta1, 'TaskRun', 'old', { taskSpec: { steps }, stepOverrides: [{ name: 's', resources: {} }] }),
  object(v1beta1, 'StepAction', 'new', { image: 'busybox', script: 'true' }),
  object(v1beta1, 'CustomRun', 'new', { customRef: { apiVersion: 'example.dev/v1', kind: 'Wait' } }),
  object('triggers.tekton.dev/v1beta1', 'TriggerBinding', 'new', { params: [{ name: 'p', value: '$(body.id)' }] }),
];
const status = {
  conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }],
  results: [{ name: 'r', type: 'string', value: 'v' }],
  annotations: { 'tektite.dev/record': '{}' },
};

async function made(answer: Promise<Answer>): Promise<void> {
  const { status: code, body } = await answer;
  expect([code < 300, body.message]).toEqual([true, undefined]);
}

const runAddress = `${addressOf(v1, 'TaskRun')}/signed`;

/** Writes objects as users, the controller and Chains do, and sees that Tektite's gates hold. */
async function work(server: WebhookWorld): Promise<void> {
  await server.start();
  await server.until(
    'the API server calls it',
    async () => (await server.create(object(v1, 'Task', 'x', {}))).status === 400,
  );
  for (const each of written) await made(server.create(each));
  await made(server.create(object(v1, 'TaskRun', 'signed', { taskSpec: { steps } })));
  await made(server.call('PATCH', `${runAddress}/status`, { status }, controller));
  const held = { finalizers: ['chains.tekton.dev/taskrun'], annotations: { 'chains.tekton.dev/signed': 'true' } };
  await made(server.call('PATCH', runAddress, { metadata: held }, chains));
  for (const refused of await forgeries(server)) expect(refused).toMatchObject({ status: 403 });
  await made(
    server.call('PATCH', `/api/v1/namespaces/${systemNamespace}/configmaps/config-defaults`, {
      data: { 'default-timeout-minutes': '7' },
    }),
  );
}

/** What only Tektite's own may write while it is there. */
async function forgeries(server: WebhookWorld): Promise<Answer[]> {
  return [
    await server.call('PATCH', `${runAddress}/status`, { status: { podName: 'p' } }),
    await server.call('PATCH', runAddress, { metadata: { annotations: { 'chains.tekton.dev/retries': '1' } } }),
  ];
}

/** Every object of every kind of the suite, in its stored version. */
async function everything(server: WebhookWorld): Promise<Json> {
  const all: Json = {};
  for (const kind of kinds.filter(({ namespaced }) => namespaced)) {
    const version = storedVersion(kind).name;
    const address = `/apis/${kind.group}/${version}/${kind.plural}`;
    let answer: Answer = { status: 0, body: {} };
    // After a change of a CRD the API server sets its storage up anew, and answers 429 meanwhile.
    await server.until(`${address} is served`, async () => {
      answer = await server.call('GET', address);
      return answer.status !== 429;
    });
    const { status: code, body } = answer;
    expect([address, code, body.message]).toEqual([address, 200, undefined]);
    for (const item of body['items'] as (Json & { metadata: { name: string; annotations?: Json } })[])
      all[`${kind.plural} ${item.metadata.name}`] = {
        spec: item['spec'],
        ...(item['status'] ? { status: item['status'] } : {}),
        annotations: item.metadata.annotations ?? {},
      };
  }
  return all;
}

interface Definition {
  metadata: { name: string };
  spec: { versions: { name: string; served: boolean; storage: boolean; schema: Json }[]; conversion?: Json };
  status: { storedVersions: string[] };
}

async function expectTektons(server: WebhookWorld, release: string): Promise<void> {
  const objects = parseAllDocuments(release).map((document) => document.toJS() as (Definition & Json) | null);
  const definitions = objects.filter((each) => each?.['kind'] === 'CustomResourceDefinition') as Definition[];
  expect(definitions.length).toBeGreaterThanOrEqual(4);
  for (const wanted of definitions) {
    const address = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${wanted.metadata.name}`;
    const found = (await server.call('GET', address)).body as unknown as Definition;
    const shape = ({ spec }: Definition) =>
      spec.versions.map(({ name, served, storage, schema }) => ({ name, served, storage, schema }));
    expect([wanted.metadata.name, shape(found)]).toEqual([wanted.metadata.name, shape(wanted)]);
    if (wanted.spec.conversion) expect(found.spec.conversion).toMatchObject(wanted.spec.conversion);
    expect(found.status.storedVersions).toEqual(
      found.spec.versions.filter(({ storage }) => storage).map(({ name }) => name),
    );
  }
}

/** Nothing refuses what Tekton and its users write. */
async function expectFree(server: WebhookWorld): Promise<void> {
  const admission = '/apis/admissionregistration.k8s.io/v1';
  for (const list of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'])
    expect((await server.call('GET', `${admission}/${list}`)).body['items']).toEqual([]);
  for (const list of ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']) {
    const items = (await server.call('GET', `${admission}/${list}`)).body['items'] as { webhooks: Json[] }[];
    expect(items.flatMap(({ webhooks }) => webhooks.filter(({ rules }) => rules !== undefined))).toEqual([]);
  }
  // The API server lets go of a policy a moment after it is gone.
  await server.until('anybody may write what Tekton and its Chains write', async () =>
    (await forgeries(server)).every(({ status: code }) => code === 200),
  );
  await made(server.create(object(v1, 'TaskRun', 'after', { taskSpec: { steps } })));
  await made(server.call('DELETE', runAddress));
  expect((await server.call('GET', runAddress)).status).toBe(404);
}

async function settingsOf(server: WebhookWorld, name: string): Promise<unknown> {
  return (await server.call('GET', `/api/v1/namespaces/${systemNamespace}/configmaps/${name}`)).body['data'];
}

/** From Tekton to Tektite and back. @param how which of the documented blocks takes Tektite away */
async function thereAndBack(release: string, how: 'helm' | 'kubectl'): Promise<void> {
  controlPlane = await ControlPlane.up(`give-back-${process.pid}`);
  const shell = await shellAt(controlPlane.kubeconfig, release);
  await shell(`kubectl create namespace ${systemNamespace}; kubectl apply --server-side -f tekton.yaml`);
  await shell(`kubectl wait --for=condition=Established crd tasks.tekton.dev`);
  const [anew = '', away = '', install = ''] = await documented('README.md', 'Bring a Tekton cluster over');
  await shell(anew);
  await shell(away);
  if (how === 'helm') await shell(install);
  else await installedWithKubectl(shell);
  // Who may write is what is asked here, not who has a right to.
  for (const user of [controller, chains])
    await shell(`kubectl create clusterrolebinding ${user.split(':')[3]} --clusterrole=cluster-admin --user=${user}`);
  world = await WebhookWorld.beside(controlPlane);
  await work(world);
  await world.stop('SIGTERM');
  await world.returnToService();
  const before = await everything(world);
  expect(Object.keys(before)).toHaveLength(written.length + 1);

  const [uninstall = '', withoutHelm = '', letGo = '', settings = '', tekton = '', again = ''] =
    await documented('config/docs/give-back.md');
  await shell(how === 'helm' ? uninstall : withoutHelm);
  expect(await shell(letGo)).toContain('TaskRun released: default/signed');
  await shell(settings);
  expect(await everything(world)).toEqual(before);
  await shell(how === 'helm' ? tekton : tekton.replace(' --field-manager=helm', ''));
  await shell(again);
  await expectTektons(world, release);
  expect(await everything(world)).toMatchObject(before);
  expect(await settingsOf(world, 'config-defaults')).toMatchObject({ 'default-timeout-minutes': '7' });
  expect(await settingsOf(world, 'feature-flags')).toMatchObject({ 'enable-api-fields': 'alpha' });
  await expectFree(world);
}

async function installedWithKubectl(shell: (text: string) => Promise<string>): Promise<void> {
  const set = ['chains.enabled=true', 'featureFlags.enable-api-fields=alpha'];
  const words = set.flatMap((pair) => ['--set', pair]);
  await command([process.execPath, 'hack/release.ts', path.join(folder ?? '', 'dist', 'release.yaml'), ...words]);
  await shell('kubectl apply --server-side --force-conflicts -f dist/release.yaml');
}

describe('a cluster that Tektite took over is given back by the documented steps', () => {
  it('installed with Helm', { timeout: 600_000 }, () => thereAndBack(small, 'helm'));

  it('installed with kubectl', { timeout: 600_000 }, () => thereAndBack(small, 'kubectl'));

  it.skipIf(real === undefined)(
    "to Tekton's own release (TEKTITE_TEKTON_INSTALL_DIR names its folder)",
    { timeout: 600_000 },
    () => thereAndBack(real ?? '', 'helm'),
  );
});
