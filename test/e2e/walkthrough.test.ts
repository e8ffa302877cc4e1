import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt, command } from '../../hack/command.ts';
import { cosignPath } from '../../hack/demo/attestations.ts';
import { accessFlags } from '../../hack/deploy/pick-cluster.ts';
import { createSpiffeIssuer, serviceAccountIdentity } from '../../hack/sigstore/issuer.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { runCommand } from '../../src/commands/main.ts';
import { systemEnvironment } from '../../src/commands/environment.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { leases, pods } from '../../src/kube/resources.ts';
import { openPage, pictured, startChromium } from '../browser/chromium.ts';
import { TestClient } from '../cluster-access/test-client.ts';
import { waitForRun } from '../cluster-access/runs.ts';
import { walkthroughFolder } from '../conformance/examples-folder.ts';
import { Installation, controllerPods, scrape, sum } from './installation.ts';
import { startMutatingWebhook, type Mutate, type MutatingWebhook } from './mutating-webhook.ts';
import { testCluster } from './setup.ts';
import { startSigningServices, type SigningServices } from './signing-services.ts';
import { spiffeValues, startAgent } from './spiffe-agent.ts';
import { startWorld, type World } from './world.ts';

/**
 * What a first user types, in order, with the manifests of his article as they stand. Names of the outside world lead
 * to servers beside the cluster; digests of the images that stand in for others are not those of the originals.
 */
const folder = walkthroughFolder() ?? '';
const namespace = 'ci';
const repository = 'https://github.com/acme/widget-api';
const secret = 'It is a secret to everybody';
const runs = pipelineRuns;
let installation: Installation;
let world: World;
let client: KubeClient;
let registry: string;
let cosign: string;
let cluster: string;
let services: SigningServices;
let agent: { stop(): Promise<void> };
/** What the chart is installed with. */
let values: Record<string, string | object>;
let scratch: string;
let mutator: MutatingWebhook | undefined;
let forward: ChildProcess | undefined;
const configured = new Set<string>();
/** What issues JWT-SVIDs, and to whom. */
const spireServer = createSpiffeIssuer('https://spire.example.org', 'example.org');
const chainsIdentity = 'spiffe://example.org/ns/tekton-chains/sa/tekton-chains-controller';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const kubectl = (args: readonly string[], input?: string) =>
  installation.kubectl(['--namespace', namespace, ...args], input);
const apply = (name: string) => kubectl(['apply', '-f', path.join(folder, name)]);

/** Creates an object, unless a first try has. */
const made = (...words: string[]) =>
  kubectl(['create', ...words]).catch((error: unknown) => {
    if (!/already ?exists/i.test(String((error as { output?: string }).output))) throw error;
  });

/** Without digests: stand-ins have others. */
const catalogueTask = (name: string, version: string) => ({
  kind: 'task' as const,
  name,
  version: `${version}.0`,
  yaml: read(`catalog/task/${name}/${version}/${name}.yaml`).replaceAll(/@sha256:[0-9a-f]{64}/g, ''),
});

const sources = {
  Dockerfile: 'FROM docker.io/library/busybox:1.36\nCOPY page.html /srv/\nENTRYPOINT ["httpd", "-f", "-h", "/srv"]\n',
  'page.html': '<p>A widget</p>\n',
};

/** Types a patch of chains-config; all that was typed is taken back at the end. */
async function configureChains(data: Record<string, string | null>): Promise<void> {
  for (const key of Object.keys(data)) configured.add(key);
  const patch = JSON.stringify({ data });
  await kubectl(['patch', 'configmap', 'chains-config', '-n', 'tekton-chains', '--type=merge', '-p', patch]);
}

/** Runs a Task that says that it built `image`, and waits until Chains has judged the run. Returns its annotations. */
async function build(name: string, image: string): Promise<Record<string, string>> {
  const [url, digest] = image.split('@');
  const script = `#!/bin/sh\nprintf ${url} > $(results.IMAGE_URL.path)\nprintf ${digest} > $(results.IMAGE_DIGEST.path)\n`;
  const results = [{ name: 'IMAGE_URL' }, { name: 'IMAGE_DIGEST' }];
  const steps = [{ name: 'build', image: 'docker.io/library/busybox:1.36', script }];
  // Of a first try, judged by what was configured then.
  await kubectl(['delete', 'taskrun', name, '--ignore-not-found']);
  await kubectl(['apply', '-f', '-'], JSON.stringify(taskRun(name, { taskSpec: { results, steps } })));
  const annotations = async () => (await client.get(taskRuns, namespace, name)).metadata.annotations ?? {};
  await expect
    .poll(async () => JSON.stringify(await annotations()), { timeout: 90_000, interval: 500 })
    .toContain('chains.tekton.dev/signed');
  return annotations();
}

const taskRun = (name: string, spec: object) => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  metadata: { name },
  spec,
});

/** cosign, which trusts the Sigstore of this test and believes nothing that is not in its log. */
const asked = (check: string, ...args: string[]) =>
  attempt([cosign, check, '--trusted-root', services.sigstore.trustedRootPath, '--allow-http-registry', ...args]);

async function accepted(check: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await asked(check, ...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

async function tektite(...args: string[]): Promise<string> {
  let out = '';
  const environment = systemEnvironment('test');
  const said = (text: string) => void (out += text);
  const terminal = { ...environment.terminal, colour: false, interactive: false, out: said, err: said };
  const status = await runCommand(args, { ...environment, terminal }, AbortSignal.timeout(60_000));
  expect(status, out).toBe(0);
  return out;
}

async function ended(name: string, seconds = 120): Promise<PipelineRun> {
  const found = await waitForRun(
    client,
    { kind: 'PipelineRun', namespace, name },
    ({ status }) => isDone(status),
    AbortSignal.timeout(seconds * 1_000),
  );
  return found;
}

const startRun = async () =>
  (await kubectl(['create', '-f', path.join(folder, '3-pipelinerun.yaml'), '-o', 'jsonpath={.metadata.name}'])).trim();

const resultsOf = ({ status }: PipelineRun) =>
  Object.fromEntries((status?.results ?? []).map(({ name, value }) => [name, value as string]));

/** Of Chains, those that hold a volume of SPIRE's. */
async function podsWithAgent(): Promise<string[]> {
  const { items } = await client.list(pods, { namespace: 'tekton-chains' });
  const withVolume = items.filter(({ spec }) => JSON.stringify(spec?.volumes ?? []).includes('csi.spiffe.io'));
  return withVolume.map(({ metadata }) => metadata.name ?? '');
}

/** Types how many buckets the runs are spread over. */
async function share(buckets: string | null): Promise<void> {
  const patch = JSON.stringify({ data: { buckets } });
  await kubectl(['patch', 'configmap', 'config-leader-election', '-n', 'tekton-pipelines', '-p', patch]);
}

const signedOf = (name: string) =>
  kubectl(['get', 'pipelinerun', name, '-o', 'jsonpath={.metadata.annotations.chains\\.tekton\\.dev/signed}']);

beforeAll(async () => {
  if (folder === '') return;
  installation = await Installation.open();
  const target = await testCluster();
  ({ registry } = target);
  cosign = (await cosignPath(target)) ?? '';
  ({ cluster } = target);
  scratch = await mkdtemp(path.join(tmpdir(), 'tektite-walkthrough-'));
  client = new TestClient(await loadClusterConfig(), { userAgent: 'tektite-e2e' });
  await command(['hack/images', 'push', `http://${registry}`, 'git-init', 'kaniko'], { show: true });
  world = await startWorld({
    cluster,
    registry,
    catalogue: [catalogueTask('git-clone', '0.9'), catalogueTask('kaniko', '0.6')],
    files: sources,
    gitHost: 'github.com',
  });
  services = await startSigningServices(world.host, target.kubeconfig, [spireServer]);
  agent = await startAgent({ cluster, client }, (audience) => ({
    spiffe_id: chainsIdentity,
    svid: spireServer.svid(chainsIdentity, { audience }),
  }));
  const node = registry.replace(/:\d+$/, '');
  const hostAliases = [
    { ip: world.host, hostnames: ['github.com'] },
    { ip: node, hostnames: ['registry.acme.io'] },
  ];
  values = {
    'chains.enabled': 'true',
    ...spiffeValues,
    'chains.registryMirrors': { '*': `http://${registry}` },
    'resolvers.config': {
      'hubresolver-config': { 'allowed-private-hosts': world.host, 'artifact-hub-urls': `- ${world.hub.url}` },
    },
    configDefaults: { 'default-pod-template': JSON.stringify({ hostAliases }) },
  };
  await installation.upgrade(values);
}, 600_000);

afterAll(async () => {
  if (folder === '') return;
  forward?.kill();
  await kubectl(['delete', 'mutatingwebhookconfiguration', 'mutating.example.com', '--ignore-not-found']);
  // Nothing may be under way when the namespace goes: what a controller still asks for there is refused.
  await kubectl(['delete', 'eventlistener,pipelinerun,taskrun', '--all']);
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found']);
  await kubectl(['delete', 'clusterrolebinding', 'walkthrough-triggers', '--ignore-not-found']);
  await configureChains(Object.fromEntries([...configured].map((key) => [key, null])));
  await share(null);
  const withAgent = await podsWithAgent();
  await installation.upgradeWithoutKey();
  // Not before the pods that have its volume are gone.
  for (const pod of withAgent)
    await kubectl(['wait', '--for=delete', `pod/${pod}`, '-n', 'tekton-chains', '--timeout=60s']);
  await agent?.stop();
  await mutator?.close();
  await services?.close();
  await rm(scratch, { recursive: true, force: true });
  await world.close();
  await client.close(true);
  await installation.close();
}, 300_000);

describe.skipIf(folder === '')('the walkthrough', () => {
  let name: string;
  let image: string;

  it('install: the pods of every namespace of ours are Ready', async () => {
    for (const each of ['tekton-pipelines', 'tekton-chains'])
      await kubectl(['wait', '--for=condition=Ready', 'pods', '--all', '-n', each, '--timeout=60s']);
  });

  it('API: the four kinds under v1', async () => {
    const kinds = await kubectl(['api-resources', '--api-group=tekton.dev', '--no-headers']);
    for (const kind of ['Task', 'TaskRun', 'Pipeline', 'PipelineRun'])
      expect(kinds).toMatch(new RegExp(`tekton.dev/v1 +true +${kind}\n`));
  });

  it('namespace, service account and role', async () => {
    await apply('7a-namespace.yaml');
    await made('secret', 'generic', 'registry-creds', '--from-literal=config.json={"auths":{}}');
    await apply('7b-service-account-and-role.yaml');
  });

  it('task: has the result `commit`', async () => {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite']);
    await apply('1-task.yaml');
    await tektite(
      ...['task', 'start', 'git-clone-min', '--param', `url=${world.repository}`, '--namespace', namespace],
      ...['--workspace', 'name=source,emptyDir=', '--showlog'],
    );
    const commit = await kubectl(['get', 'taskrun', '-o', 'jsonpath={.items[0].status.results[0].value}']);
    expect(commit).toBe(world.commit);
  });

  it('hub: the catalogue’s Task with its labels and version, as the real tkn lists it too', async () => {
    const hub = ['--api-server', world.hub.url, '--namespace', namespace];
    await kubectl(['delete', 'task', 'git-clone', '--ignore-not-found']);
    const said = await tektite('hub', 'install', 'task', 'git-clone', '--version', '0.9', ...hub);
    expect(said).toContain(`Task git-clone(0.9) installed in ${namespace} namespace`);
    const labels = { 'app.kubernetes.io/version': '0.9', 'artifacthub.io/catalog': 'tekton-catalog-tasks' };
    const installed = JSON.parse(await kubectl(['get', 'task', 'git-clone', '-o', 'json'])) as KubeObject;
    expect(installed).toMatchObject({ apiVersion: 'tekton.dev/v1', metadata: { labels } });
    const tkn = (await command(['hack/cluster', 'tool', 'tkn'])).trim();
    const { kubeconfig } = await testCluster();
    const listed = await command([tkn, 'task', 'list', '--kubeconfig', kubeconfig, '--namespace', namespace]);
    expect(listed).toMatch(/^git-clone +These Tasks are Git/m);
    const ageless = (text: string) => text.replaceAll(/\d+ \w+ ago */g, 'AGE');
    expect(ageless(await tektite('task', 'list', '--namespace', namespace))).toBe(ageless(listed));
  });

  it('API: v1beta1 answers through conversion', async () => {
    const older = JSON.parse(
      await kubectl(['get', 'tasks.v1beta1.tekton.dev', 'git-clone', '-o', 'json']),
    ) as KubeObject;
    expect(older).toMatchObject({ apiVersion: 'tekton.dev/v1beta1', spec: { steps: [{ name: 'clone' }] } });
  });

  it('chains config and key: as typed, used without a restart', async () => {
    await configureChains({
      'artifacts.taskrun.format': 'slsa/v2alpha4',
      'artifacts.taskrun.storage': 'oci',
      'artifacts.pipelinerun.format': 'slsa/v2alpha4',
      'artifacts.pipelinerun.storage': 'oci',
      'artifacts.oci.storage': 'oci',
      'artifacts.oci.format': 'simplesigning',
      'transparency.enabled': 'true',
      'transparency.url': services.sigstore.rekorUrl ?? '',
    });
    await kubectl(['delete', 'secret', 'signing-secrets', '-n', 'tekton-chains', '--ignore-not-found']);
    await command([cosign, 'generate-key-pair', 'k8s://tekton-chains/signing-secrets'], {
      cwd: '/tmp',
      env: { COSIGN_PASSWORD: 'walkthrough' },
    });
  });

  it('pipeline: in a restricted namespace the condition says why it cannot run', async () => {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted', '--overwrite']);
    await apply('2-pipeline.yaml');
    const run = await ended(await startRun());
    expect(succeededCondition(run.status)).toMatchObject({ status: 'False' });
    const [child] = run.status?.childReferences ?? [];
    const condition = await kubectl([
      ...['get', 'taskrun', child?.name ?? '', '-o', 'jsonpath={.status.conditions[0].message}'],
    ]);
    expect(condition).toContain('violates PodSecurity "restricted:latest"');
  });

  it('pipeline: the hub’s Tasks build and push the image', async () => {
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite']);
    name = await startRun();
    const run = await ended(name);
    expect(succeededCondition(run.status), JSON.stringify(run.status)).toMatchObject({ status: 'True' });
    const digest = resultsOf(run)['image-digest'];
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    image = `${registry}/widget-api@${digest}`;
    const tag = `${registry}/widget-api:${run.metadata.uid}`;
    const crane = (await command(['hack/cluster', 'tool', 'crane'])).trim();
    expect((await command([crane, 'digest', '--insecure', tag])).trim()).toBe(digest);
  });

  it('logs: of both tasks', async () => {
    const logs = await tektite('pipelinerun', 'logs', '--last', '-f', '-n', namespace);
    expect(logs).toContain(`Successfully cloned ${repository} @ ${world.commit}`);
    expect(logs).toContain('Pushed registry.acme.io/widget-api:');
  });

  it('signed: the run and its image', async () => {
    await expect.poll(() => signedOf(name), { timeout: 60_000, interval: 500 }).toBe('true');
  });

  it('verify: cosign accepts the image and its attestation, both in the log, which names the Task of the hub and the builder’s image', async () => {
    const key = ['--key', 'k8s://tekton-chains/signing-secrets'];
    expect(await accepted('verify', ...key, image)).toContain(image.split('@')[1]);
    const printed = await accepted('verify-attestation', ...key, '--type', 'slsaprovenance1', image);
    const statements = printed
      .trim()
      .split('\n')
      .map((line) => {
        const { payload } = JSON.parse(line) as { payload: string };
        return JSON.parse(Buffer.from(payload, 'base64').toString()) as {
          predicate: {
            buildDefinition: {
              externalParameters: object;
              resolvedDependencies: { uri: string; digest: Record<string, string> }[];
            };
            runDetails: { builder: { id: string } };
          };
        };
      });
    const ofBuild = statements.find(({ predicate }) =>
      JSON.stringify(predicate.buildDefinition.externalParameters).includes('registry.acme.io/widget-api:'),
    );
    expect(ofBuild?.predicate.runDetails.builder.id, printed).toMatch(/^https?:/);
    const materials = (ofBuild?.predicate.buildDefinition.resolvedDependencies ?? []).map(({ uri, digest }) => [
      uri,
      digest['sha256'],
    ]);
    expect(materials).toContainEqual([
      expect.stringContaining('/kaniko/') as string,
      sha256(catalogueTask('kaniko', '0.6').yaml),
    ]);
    // The repository and the commit are what the task before it cloned.
    const sources = ofBuild?.predicate.buildDefinition.resolvedDependencies.filter(({ digest }) => digest['sha1']);
    expect(sources).toEqual([{ name: 'inputs/result', uri: `git+${repository}.git`, digest: { sha1: world.commit } }]);
    expect(materials).toContainEqual([
      expect.stringContaining('kaniko-project/executor') as string,
      expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    ]);
  });

  it('provenance: each run names the Task of the hub that it is of, by its digest', async () => {
    const labelSelector = `tekton.dev/pipelineRun=${name}`;
    const { items } = await client.list(taskRuns, { namespace, labelSelector });
    const sources = items.map(({ status }) => status?.provenance?.refSource);
    for (const [task, version] of [
      ['git-clone', '0.9'],
      ['kaniko', '0.6'],
    ] as const)
      expect(sources).toContainEqual({
        uri: expect.stringMatching(`/${task}/${version}.0$`) as string,
        digest: { sha256: sha256(catalogueTask(task, version).yaml) },
      });
  });

  it('nothing to sign: the run itself says so', async () => {
    const run = {
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      metadata: { name: 'nothing' },
      spec: { taskSpec: { steps: [{ name: 'say', image: 'docker.io/library/busybox:1.36', command: ['true'] }] } },
    };
    await kubectl(['apply', '-f', '-'], JSON.stringify(run));
    const annotations = () => kubectl(['get', 'taskrun', 'nothing', '-o', 'jsonpath={.metadata.annotations}']);
    await expect.poll(annotations, { timeout: 60_000, interval: 500 }).toContain('chains.tekton.dev/signed');
    const told = await kubectl(['get', 'events', '--field-selector', 'involvedObject.name=nothing', '-o', 'json']);
    expect(`${await annotations()}${told}`).toMatch(/no signable target|nothing to sign|no subject/i);
  });

  it('KMS: signs by a key of Vault, and by it alone', async () => {
    const name = `tektite-${randomUUID()}`;
    const key = path.join(scratch, `${name}.pub`);
    await writeFile(key, await services.vault.createKey(name));
    const refused = await asked('verify', '--key', key, image);
    expect(refused.stderr).toMatch(/no matching signatures|no signatures found|invalid signature/i);
    const { address, token } = services.vault;
    await configureChains({
      'artifacts.taskrun.signer': 'kms',
      'artifacts.oci.signer': 'kms',
      'signers.kms.kmsref': `hashivault://${name}`,
      'signers.kms.auth.address': address,
      'signers.kms.auth.token': token,
    });
    expect(await build('by-kms', image)).toMatchObject({ 'chains.tekton.dev/signed': 'true' });
    await accepted('verify', '--key', key, image);
    await accepted('verify-attestation', '--key', key, '--type', 'slsaprovenance1', image);
  });

  it('keyless: signs as its ServiceAccount, by a certificate of Fulcio', async () => {
    await configureChains({
      'artifacts.taskrun.signer': null,
      'artifacts.oci.signer': null,
      'signers.x509.fulcio.enabled': 'true',
      'signers.x509.fulcio.address': services.sigstore.fulcioUrl ?? '',
      'signers.x509.fulcio.issuer': services.issuer,
      'signers.x509.fulcio.provider': 'filesystem',
    });
    expect(await build('keyless', image)).toMatchObject({ 'chains.tekton.dev/signed': 'true' });
    const as = (account: string) => [
      ...['--certificate-identity', serviceAccountIdentity('tekton-chains', account)],
      ...['--certificate-oidc-issuer', services.issuer],
    ];
    await accepted('verify', ...as('tekton-chains-controller'), image);
    await accepted('verify-attestation', ...as('tekton-chains-controller'), '--type', 'slsaprovenance1', image);
    const other = await asked('verify', ...as('default'), image);
    expect(other.stderr).toMatch(/none of the expected identities matched/);
    await configureChains({ 'signers.x509.fulcio.enabled': 'false' });
  });

  it('keyless: signs as the workload that SPIRE knows, by a certificate of Fulcio', async () => {
    await configureChains({
      'signers.x509.fulcio.enabled': 'true',
      'signers.x509.fulcio.address': services.sigstore.fulcioUrl ?? '',
      'signers.x509.fulcio.issuer': spireServer.url,
      'signers.x509.fulcio.provider': 'spiffe',
    });
    expect(await build('by-spiffe', image)).toMatchObject({ 'chains.tekton.dev/signed': 'true' });
    const as = ['--certificate-identity', chainsIdentity, '--certificate-oidc-issuer', spireServer.url];
    await accepted('verify', ...as, image);
    await accepted('verify-attestation', ...as, '--type', 'slsaprovenance1', image);
    await configureChains({ 'signers.x509.fulcio.enabled': 'false' });
  });

  describe('mutated run', () => {
    const rows: [name: string, resource: string, patch: object, field: RegExp][] = [
      [
        'its pod, at creation',
        'pods',
        { op: 'add', path: '/spec/containers/0/env', value: [{ name: 'EVIL', value: '1' }] },
        /spec\.containers\[step-build\]\.env/,
      ],
      [
        'its resolved steps, when the controller writes its status',
        'taskruns/status',
        { op: 'replace', path: '/status/taskSpec/steps/0/image', value: 'docker.io/library/evil' },
        /status\.taskSpec\.steps/,
      ],
    ];
    const nameOf = (row: number) => `mutated-${row}`;
    const mutate: Mutate = ({ resource, object }) => {
      const { metadata } = object;
      const row = rows.findIndex(
        ([, of], index) =>
          of === resource &&
          (metadata.labels?.['tekton.dev/taskRun'] === nameOf(index) || metadata.name === nameOf(index)),
      );
      const isResolved = resource === 'pods' || JSON.stringify(object).includes('"taskSpec":{"results"');
      return row === -1 || !isResolved ? undefined : [rows[row]?.[2] ?? {}];
    };

    beforeAll(async () => {
      if (folder === '') return;
      await configureChains({ 'enforce-nonfalsifiable': 'true' });
      mutator = await startMutatingWebhook({ cluster, host: world.host, namespace }, mutate);
      await kubectl(['apply', '-f', '-'], JSON.stringify(mutator.configuration));
    });
    afterAll(() => kubectl(['delete', 'mutatingwebhookconfiguration', 'mutating.example.com']));

    it('one that nobody changes is attested', async () => {
      expect(await build('unchanged', image)).toMatchObject({ 'chains.tekton.dev/signed': 'true' });
    });

    it.each(rows.map(([name], row) => [name, row] as const))(
      '%s: no clean attestation, and the run says what differed',
      async (_name, row) => {
        const annotations = await build(nameOf(row), image);
        expect(annotations).toMatchObject({ 'chains.tekton.dev/signed': 'failed' });
        expect(JSON.stringify(annotations)).toMatch(rows[row]?.[3] ?? /^$/);
      },
    );
  });

  it('trigger: a push that GitHub signed becomes one run; others none', { timeout: 240_000 }, async () => {
    await made('secret', 'generic', 'github-webhook-secret', `--from-literal=secretToken=${secret}`);
    await made('serviceaccount', 'tekton-triggers-sa');
    const account = `--serviceaccount=${namespace}:tekton-triggers-sa`;
    await made('rolebinding', 'triggers', '--role=tekton-triggers-createonly', account);
    const cluster = '--clusterrole=tekton-triggers-eventlistener-clusterroles';
    await made('clusterrolebinding', 'walkthrough-triggers', cluster, account);
    const labelSelector = 'triggers.tekton.dev/eventlistener=github-listener';
    await kubectl(['delete', 'pipelinerun', '--selector', labelSelector]);
    await apply('4-triggers.yaml');
    await kubectl(['wait', '--for=condition=Ready', 'eventlistener/github-listener', '--timeout=90s']);
    const address = await kubectl(['get', 'service', 'el-github-listener', '-o', 'jsonpath={.spec.clusterIP}']);
    const before = (await client.list(runs, { namespace })).items.length;
    const send = async (headers: Record<string, string> = {}, ref = 'refs/heads/main') => {
      const body = JSON.stringify({ ref, after: world.commit, repository: { clone_url: repository } });
      const signature = createHmac('sha256', headers['secret'] ?? secret)
        .update(body)
        .digest('hex');
      const answer = await fetch(`http://${address}:8080/`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': headers['event'] ?? 'push',
          'x-hub-signature-256': `sha256=${signature}`,
        },
      });
      return answer.status;
    };
    // The node may hear of the Service's address a moment after the listener is Ready.
    await expect.poll(() => send({ secret: 'wrong' }).catch(String), { timeout: 20_000, interval: 250 }).toBe(202);
    expect(await send({}, 'refs/heads/other')).toBe(202);
    expect(await send({ event: 'pull_request' })).toBe(202);
    expect(await send()).toBe(202);
    const triggered = async () => (await client.list(runs, { namespace, labelSelector })).items;
    await expect.poll(async () => (await triggered()).length, { timeout: 30_000 }).toBeGreaterThan(0);
    const [started] = await triggered();
    const run = await ended(started?.metadata.name ?? '');
    expect(succeededCondition(run.status), JSON.stringify(run.status)).toMatchObject({ status: 'True' });
    expect((await client.list(runs, { namespace })).items.length - before).toBe(1);
    await expect.poll(() => signedOf(run.metadata.name ?? ''), { timeout: 60_000, interval: 500 }).toBe('true');
    const reasons = await kubectl(['logs', 'deployment/el-github-listener']);
    for (const reason of ['payload signature check failed', 'did not return true', 'pull_request is not allowed'])
      expect(reasons).toContain(reason);
  });

  it('limits: computeResources are on the containers', async () => {
    const computeResources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi' } };
    const steps = [{ name: 'say', image: 'docker.io/library/busybox:1.36', command: ['true'], computeResources }];
    const spec = { taskSpec: { steps } };
    const metadata = { name: 'limited' };
    await kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata, spec }),
    );
    const pod = () => client.get(pods, namespace, 'limited-pod').catch(() => undefined);
    const container = async () =>
      (await pod())?.spec?.containers?.find(({ name: each }) => each === 'step-say')?.resources;
    await expect.poll(container, { timeout: 30_000 }).toEqual(computeResources);
  });

  it('look: runs, their logs and their graph, in a browser', async () => {
    const kubectlPath = (await command(['hack/cluster', 'tool', 'kubectl'])).trim();
    const service = ['port-forward', '-n', 'tekton-pipelines', 'svc/tekton-dashboard', '9097:9097'];
    forward = spawn(kubectlPath, [...accessFlags(await testCluster(), 'kubectl'), ...service], { stdio: 'ignore' });
    const address = 'http://127.0.0.1:9097';
    await expect
      .poll(() => fetch(address).then(({ status }) => status, String), { timeout: 30_000, interval: 250 })
      .toBe(200);
    const token = (await kubectl(['create', 'token', 'tekton-dashboard', '-n', 'tekton-pipelines'])).trim();
    const browser = await startChromium();
    try {
      const { page, wrong } = await openPage(browser, `${address}/`);
      await pictured(page, 'walkthrough', async () => {
        await page.goto(`${address}/runs?ns=${namespace}`);
        await page.getByLabel('Token').fill(token);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('row').getByText(name, { exact: true }).click();
        const tasks = page.getByRole('navigation', { name: 'Tasks' });
        await tasks.locator('path.edge').first().waitFor({ state: 'attached' });
        await tasks.getByRole('link').last().click();
        // A task that succeeded opens at its last step.
        await page.getByRole('button', { name: /^build-and-push/ }).click();
        await page.getByText('Pushed registry.acme.io/widget-api:', { exact: false }).first().waitFor();
      });
      expect(wrong).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('measure: the controller counts what it ran, and how long it worked on it', async () => {
    const samples = await scrape(client);
    const labels = { namespace, status: 'success' };
    expect(
      sum(samples, 'tekton_pipelines_controller_pipelinerun_duration_seconds_count', labels),
    ).toBeGreaterThanOrEqual(2);
    const queue = { name: 'github.com.tektoncd.pipeline.pkg.reconciler.pipelinerun.Reconciler' };
    for (const part of ['count', 'sum'])
      expect(sum(samples, `kn_workqueue_process_duration_seconds_${part}`, queue)).toBeGreaterThan(0);
  });

  it('prune: the newest stay', async () => {
    await tektite('pipelinerun', 'delete', '--keep', '1', '--all', '--force', '-n', namespace);
    await expect.poll(() => finished(runs), { timeout: 30_000 }).toHaveLength(1);
  });

  it('shard: three replicas share the work', async () => {
    await share('3');
    await kubectl(['scale', 'deployment', 'tekton-pipelines-controller', '-n', 'tekton-pipelines', '--replicas=3']);
    await installation.settled();
    const holders = async (reconciler: string) => {
      const { items } = await client.list(leases, { namespace: 'tekton-pipelines' });
      const mine = items.filter(({ metadata }) => new RegExp(`\\.${reconciler}\\..*-of-03$`).test(metadata.name ?? ''));
      return mine.map(({ spec }) => spec?.holderIdentity?.split('_')[0] ?? '').sort();
    };
    const replicas = (await controllerPods(client)).map(({ metadata }) => metadata.name ?? '').sort();
    expect(replicas).toHaveLength(3);
    for (const reconciler of ['pipelinerun', 'taskrun'])
      await expect.poll(() => holders(reconciler), { timeout: 60_000, interval: 500 }).toEqual(replicas);
    const steps = [{ name: 'say', image: 'docker.io/library/busybox:1.36', command: ['true'] }];
    await kubectl(['apply', '-f', '-'], JSON.stringify(taskRun('shared', { taskSpec: { steps } })));
    await kubectl(['wait', '--for=condition=Succeeded', 'taskrun/shared', '--timeout=60s']);
  });

  it('prune: by schedule, as the block says; what runs is let alone', async () => {
    const running = { name: 'running' };
    const steps = [{ name: 'wait', image: 'docker.io/library/busybox:1.36', command: ['sleep', '600'] }];
    await kubectl(['apply', '-f', '-'], JSON.stringify(taskRun(running.name, { taskSpec: { steps } })));
    const map = ['configmap', 'config-pruner', '-n', 'tekton-pipelines'];
    await kubectl(['delete', ...map, '--ignore-not-found']);
    const kept = await finished(runs);
    for (const old of ['old-1', 'old-2', 'old-3']) {
      const spec = { taskSpec: { steps: [{ ...steps[0], command: ['true'] }] } };
      await kubectl(['apply', '-f', '-'], JSON.stringify(taskRun(old, spec)));
      await kubectl(['wait', '--for=condition=Succeeded', `taskrun/${old}`, '--timeout=60s']);
    }
    const block = { schedule: '* * * * *', keep: '1', resources: 'taskrun' };
    await installation.upgrade({ ...values, 'pruner.enabled': 'true', 'pruner.config': block });
    await expect.poll(() => finished(taskRuns), { timeout: 75_000, interval: 500 }).toHaveLength(1);
    expect(await finished(runs)).toEqual(kept);

    const since = { data: { keep: null, 'keep-since': '1', resources: 'pipelinerun' } };
    await kubectl(['patch', ...map, '--type=merge', '-p', JSON.stringify(since)]);
    // A new replica looks for the firing that it missed, and nobody waits for the next minute.
    await kubectl(['rollout', 'restart', 'deployment/tekton-pipelines-controller', '-n', 'tekton-pipelines']);
    await expect.poll(() => finished(runs), { timeout: 75_000, interval: 500 }).toEqual([]);
    expect(await finished(taskRuns)).toHaveLength(1);
    expect(isDone((await client.get(taskRuns, namespace, running.name)).status)).toBe(false);
    await kubectl(['delete', ...map]);
  });

  /** Names of those that have ended and stay, of TaskRuns those that are no part of a PipelineRun. */
  async function finished(resource: typeof runs | typeof taskRuns): Promise<string[]> {
    const { items } = await client.list(resource, { namespace });
    return items
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && !metadata.ownerReferences && isDone(status))
      .map(({ metadata }) => metadata.name ?? '');
  }
});
