import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { command } from '../../hack/command.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { taskRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation, controllerPods } from './installation.ts';
import { PodCount } from './pod-count.ts';

/** How Tektite comes onto a cluster, is upgraded there and goes again. */
const image = 'docker.io/library/busybox:1.36';
const deployment = 'deployment/tekton-pipelines-controller';
const kinds = ['pipelineruns', 'pipelines', 'taskruns', 'tasks'].map((plural) => `${plural}.tekton.dev`);
const echo = { name: 'say', image, command: ['echo', 'hi'] };
const bench = openWorkbench('install');
/** What most tests leave out: the roles whose coming and going are the first test's, and take half of its time. */
const lean = {
  'chains.enabled': 'false',
  'webDashboard.enabled': 'false',
  'triggers.enabled': 'false',
  'resolvers.enabled': 'false',
};
let installation: Installation;
let folder: string;

beforeAll(async () => {
  installation = await Installation.open();
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-release-'));
});
afterAll(async () => {
  await installation.upgrade();
  await installation.close();
  await rm(folder, { recursive: true, force: true });
});

/** The dotted --set form of the values that the setup installed with. */
function flattened(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${at}=${String(value)}`];
  if (Array.isArray(value)) return value.flatMap((inner, index) => flattened(inner, `${at}[${index}]`));
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = key.replaceAll('.', '\\.');
    return flattened(inner, at ? `${at}.${name}` : name);
  });
}

/** Renders the release file with the images of this test: the controller and the webhook of it. */
const release = (...set: string[]) => wholeRelease(...Object.entries(lean).map((pair) => pair.join('=')), ...set);

async function wholeRelease(...set: string[]): Promise<string> {
  const file = path.join(folder, 'release.yaml');
  const values = flattened(parse(installation.values)).filter((pair) => !pair.endsWith('='));
  await command([process.execPath, 'hack/release.ts', file, ...[...values, ...set].flatMap((pair) => ['--set', pair])]);
  return file;
}

const upgrade = (values: Readonly<Record<string, string>> = {}) => installation.upgrade({ ...lean, ...values });
const apply = (file: string, ...flags: string[]) => installation.kubectlOn(file, ['apply', '--server-side', ...flags]);

async function uninstall(): Promise<void> {
  await installation.helm('uninstall', 'tektite', '--ignore-not-found', '--wait');
  await installation.releaseRuns();
}

/** Removes what the release file installed, but for the CRDs and the namespace. */
async function removeRelease(): Promise<void> {
  const documents = parseAllDocuments(await readFile(path.join(folder, 'release.yaml'), 'utf8')).map(
    (document) => document.toJS() as KubeObject | null,
  );
  const rest = documents.filter(
    (object) => object && !['CustomResourceDefinition', 'Namespace'].includes(object.kind ?? ''),
  );
  await installation.kubectlOn(
    '-',
    ['delete', '--ignore-not-found', '--wait'],
    rest.map((object) => stringify(object)).join('---\n'),
  );
}

async function runSucceeds(): Promise<void> {
  const run = await bench.runTask({ taskSpec: { steps: [echo] } });
  expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
}

const crds = async () =>
  (await installation.kubectl(['get', 'crds', '-o', 'name']))
    .split('\n')
    .filter((name) => name.endsWith('.tekton.dev'))
    .map((name) => name.split('/')[1])
    .sort();
/** How often Chains has said that it has no key. */
async function saysOfKey(): Promise<number> {
  const words = ['--namespace', 'tekton-chains', 'logs', 'deployment/tekton-chains-controller', '--tail=-1'];
  return (await installation.kubectl(words)).split('\n').filter((line) => line.includes('nothing is signed yet'))
    .length;
}
const deploymentGone = () => expect(installation.kubectl(['get', deployment])).rejects.toThrow(/not found/);

describe('the release file', () => {
  it('installs from nothing on a cluster that never had Tekton', async () => {
    await uninstall();
    await installation.kubectl(['delete', 'crds', ...kinds, '--ignore-not-found', '--timeout=120s']);
    expect((await crds()).filter((name) => kinds.includes(name ?? ''))).toEqual([]);
    await apply(await wholeRelease());
    await installation.settled();
    expect(await crds()).toEqual(expect.arrayContaining(kinds));
    const namespace = await bench.client.get(namespaces, undefined, systemNamespace);
    expect(namespace.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    await runSucceeds();
    // Nothing is configured: Chains says once what it lacks, and no run feels it.
    expect(await saysOfKey()).toBe(1);
    const [run] = (await bench.client.list(taskRuns, { namespace: bench.namespace })).items;
    expect(run?.metadata.finalizers ?? []).toEqual([]);
    expect(Object.keys(run?.metadata.annotations ?? {}).filter((key) => key.startsWith('chains.'))).toEqual([]);
    await removeRelease();
  });

  it('installs over CRDs that helm left behind, with no run lost', async () => {
    await upgrade();
    const kept = await bench.runTask({ taskSpec: { steps: [echo] } });
    await uninstall();
    await deploymentGone();
    expect(await crds()).toEqual(expect.arrayContaining(kinds));
    await apply(await release());
    await installation.settled();
    await bench.waitFor(kept, undefined, 5);
    await runSucceeds();
    await removeRelease();
  });

  it("upgrades in place: a run in flight ends right with one pod, the operator's settings stay", async () => {
    await uninstall();
    await apply(await release());
    await installation.settled();
    await installation.kubectl([
      'patch',
      'configmap',
      'feature-flags',
      '--type=merge',
      '--patch',
      '{"data":{"keep-pod-on-cancel":"true"}}',
    ]);
    const podCount = new PodCount(bench.client, bench.namespace);
    const run = await bench.waitFor(
      await bench.startTask({
        taskSpec: {
          results: [{ name: 'said' }],
          steps: [{ name: 'work', image, script: '#!/bin/sh\nsleep 8\nprintf done > $(results.said.path)\n' }],
        },
      }),
      (current) => current.status?.steps?.some((step) => step.running) ?? false,
    );
    const [before] = await controllerPods(bench.client);
    await apply(await release('controller.podAnnotations.example\\.com/rolled=yes', 'controller.logLevel=debug'));
    await installation.settled();
    const [after] = await controllerPods(bench.client);
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.metadata.annotations).toMatchObject({ 'example.com/rolled': 'yes' });

    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({ status: 'True' });
    expect(ended.status?.results).toMatchObject([{ name: 'said', value: 'done' }]);
    expect((await podCount.end())[run.metadata.name ?? '']).toBe(1);
    expect(
      await installation.kubectl(['get', 'configmap', 'feature-flags', '-o', 'jsonpath={.data.keep-pod-on-cancel}']),
    ).toBe('true');
    await removeRelease();
  });

  it('upgrades the CRDs: a field that an older one does not know is taken afterwards', async () => {
    const file = await release();
    await apply(file, '--force-conflicts');
    await installation.settled();
    const task = stringify({
      apiVersion: 'tekton.dev/v1',
      kind: 'Task',
      metadata: { name: 'shown', namespace: bench.namespace },
      spec: { displayName: 'Shown', steps: [echo] },
    });
    const dryRun = () =>
      installation.kubectl(['create', '--dry-run=server', '--validate=strict', '-n', bench.namespace, '-f', '-'], task);
    await expect.poll(() => dryRun().then(() => 'taken', String), { timeout: 15_000 }).toBe('taken');

    const documents = parseAllDocuments(await readFile(file, 'utf8')).map(
      (document) => document.toJS() as KubeObject | null,
    );
    const older = documents.find(
      (object) => object?.kind === 'CustomResourceDefinition' && object.metadata.name === 'tasks.tekton.dev',
    ) as unknown as TaskDefinition;
    const served = older.spec.versions.find(({ name }) => name === 'v1');
    delete served?.schema.openAPIV3Schema.properties.spec.properties['displayName'];
    await installation.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], stringify(older));
    await expect
      .poll(() => dryRun().then(() => 'taken', String), { timeout: 15_000 })
      .toMatch(/unknown field.*displayName/);

    await apply(file);
    await expect.poll(() => dryRun().then(() => 'taken', String), { timeout: 15_000 }).toBe('taken');
    await removeRelease();
  });
});

interface TaskDefinition {
  spec: {
    versions: {
      name: string;
      schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, unknown> } } } };
    }[];
  };
}

describe('helm', () => {
  it("takes over what the release file installed, and an upgrade keeps the operator's settings", async () => {
    await apply(await release(), '--force-conflicts');
    await upgrade();
    await installation.kubectl([
      'patch',
      'configmap',
      'feature-flags',
      '--type=merge',
      '--patch',
      '{"data":{"keep-pod-on-cancel":"true"}}',
    ]);
    const setting = () =>
      installation.kubectl(['get', 'configmap', 'feature-flags', '-o', 'jsonpath={.data.keep-pod-on-cancel}']);
    try {
      await upgrade({ 'controller.logLevel': 'debug', 'featureFlags.coschedule': 'disabled' });
      expect(await setting()).toBe('true');
      expect(
        await installation.kubectl(['get', 'configmap', 'feature-flags', '-o', 'jsonpath={.data.coschedule}']),
      ).toBe('disabled');
      await runSucceeds();
    } finally {
      await installation.kubectl([
        'patch',
        'configmap',
        'feature-flags',
        '--type=merge',
        '--patch',
        '{"data":{"keep-pod-on-cancel":null}}',
      ]);
    }
    // What is taken out of the values is the default again.
    await upgrade();
    expect(await installation.kubectl(['get', 'configmap', 'feature-flags', '-o', 'jsonpath={.data.coschedule}'])).toBe(
      '',
    );
  });

  it('keeps definitions and runs on uninstall', async () => {
    await upgrade();
    const run = await bench.runTask({ taskSpec: { steps: [echo] } });
    await uninstall();
    await deploymentGone();
    expect(await crds()).toEqual(expect.arrayContaining(kinds));
    expect(succeededCondition((await bench.waitFor(run, undefined, 5)).status)?.status).toBe('True');
    await upgrade();
    // Its rights went with the old controller, so that it could not give its leases back: they are taken over, and
    // nobody waits the 60 s until they run out.
    const started = Date.now();
    await runSucceeds();
    expect(Date.now() - started).toBeLessThan(25_000);
  });
});
