import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../hack/command.ts';
import { tool } from '../../hack/one-node/binaries.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { deleteNamespace } from '../cluster-access/namespaces.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { testCluster } from './setup.ts';
import { Spire, trustDomain } from './spire-services.ts';

/**
 * Results that steps sign, with SPIRE's own server and agent, as config/docs/signed-results.md says: `npm run
 * test:spire`. They take a quarter of an hour to build, which is why this is no part of `npm test`.
 */
const bench = openWorkbench('signed');
const image = 'docker.io/library/busybox:1.36';
const bundlePath = '/spire-bundle/bundle.pem';
let installation: Installation;
let spire: Spire;

const build = {
  results: [{ name: 'IMAGE_URL' }, { name: 'IMAGE_DIGEST' }],
  steps: [
    {
      name: 'build',
      image,
      script: `#!/bin/sh
printf registry.example.com/widget > $(results.IMAGE_URL.path)
printf sha256:${'a'.repeat(64)} > $(results.IMAGE_DIGEST.path)
`,
    },
    { name: 'tell', image, script: '#!/bin/sh\necho built\n' },
  ],
};

/** The commands of the documentation's second step, with what they are told apart by in the test. */
async function registerController(): Promise<void> {
  const page = await readFile('config/docs/signed-results.md', 'utf8');
  const commands = page.replaceAll('\\\n', ' ').match(/spire-server entry create .*/g) ?? [];
  expect(commands).toHaveLength(2);
  for (const line of commands) await spire.server(...line.split(/\s+/).slice(1));
}

/** The entries of SPIRE, as its own command shows them. */
async function entriesOf(run: string): Promise<string> {
  const id = `spiffe://${trustDomain}/ns/${bench.namespace}/taskrun/${run}`;
  return spire.server('entry', 'show', '-spiffeID', id);
}

function signedCondition(run: TaskRun): { status?: string | undefined; reason?: string | undefined } | undefined {
  return run.status?.conditions?.find(({ type }) => type === 'SignedResultsVerified');
}

beforeAll(async () => {
  installation = await Installation.open();
  spire = await Spire.start(await testCluster(), bench.client);
  await registerController();
  const bundle = await spire.server('bundle', 'show');
  await installation.kubectl(
    ['--namespace', 'tekton-chains', 'apply', '--filename', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'spire-bundle' },
      data: { 'bundle.pem': bundle },
    }),
  );
  await command([await tool('cosign-v3'), 'generate-key-pair', 'k8s://tekton-chains/signing-secrets'], {
    cwd: '/tmp',
    env: { COSIGN_PASSWORD: 'spire', KUBECONFIG: process.env['KUBECONFIG'] ?? '' },
  });
  await installation.upgrade({
    'controller.spiffeSocket': 'true',
    'featureFlags.enforce-nonfalsifiability': 'spire',
    'configSpire.spire-trust-domain': trustDomain,
    'configSpire.spire-server-addr': spire.address,
    'chains.volumes': [{ name: 'spire', configMap: { name: 'spire-bundle' } }],
    'chains.volumeMounts': [{ name: 'spire', mountPath: '/spire-bundle', readOnly: true }],
    'chains.config.artifacts\\.taskrun\\.storage': 'tekton',
    // The image is in no registry.
    'chains.config.artifacts\\.oci\\.storage': '',
    'chains.config.artifacts\\.taskrun\\.spire\\.trust-bundle-path': bundlePath,
    'chains.config.artifacts\\.taskrun\\.spire\\.trust-domain': trustDomain,
    'chains.config.artifacts\\.taskrun\\.spire\\.required': 'true',
  });
}, 3_600_000);

afterAll(async () => {
  await deleteNamespace(bench.client, bench.namespace, AbortSignal.timeout(60_000));
  await installation.upgradeWithoutKey();
  await installation.kubectl([
    '--namespace',
    'tekton-chains',
    'delete',
    'configmap',
    'spire-bundle',
    '--ignore-not-found',
  ]);
  await spire.stop();
  await installation.close();
}, 300_000);

describe('with a real SPIRE', () => {
  let run: TaskRun;

  it('what steps report is signed, and verified before it counts', async () => {
    run = await bench.runTask({ taskSpec: build });
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True' });
    expect(signedCondition(run)).toMatchObject({ status: 'True', reason: 'TaskRunResultsVerified' });
    expect(run.status?.results?.map(({ name }) => name)).toEqual(['IMAGE_DIGEST', 'IMAGE_URL']);
  });

  it('the identity is taken away with the end of the run', async () => {
    await expect.poll(() => entriesOf(run.metadata.name ?? ''), { timeout: 10_000 }).toContain('Found 0 entries');
  });

  it('Chains, which wants signed results, attests them', async () => {
    const annotations = async () =>
      (await bench.client.get(taskRuns, bench.namespace, run.metadata.name ?? '')).metadata.annotations ?? {};
    await expect.poll(async () => (await annotations())['chains.tekton.dev/signed'], { timeout: 60_000 }).toBe('true');
    const payload = Object.entries(await annotations()).find(([key]) => key.includes('/payload-taskrun-'))?.[1] ?? '';
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
      subject: [{ name: 'registry.example.com/widget', digest: { sha256: 'a'.repeat(64) } }],
    });
  });

  it('a sidecar, which is nobody, has no identity', async () => {
    const started = await bench.startTask({
      taskSpec: {
        results: [{ name: 'said' }],
        steps: [
          {
            name: 'wait',
            image,
            script: `#!/bin/sh
cp /tekton/bin/entrypoint-spire /shared/signer.part && mv /shared/signer.part /shared/signer
i=0; until [ -s /shared/said ]; do i=$((i+1)); [ $i -lt 60 ] || exit 1; sleep 1; done
head -c 300 /shared/said | tr -d '\\n' > $(results.said.path)
`,
            volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
          },
        ],
        sidecars: [
          {
            name: 'thief',
            image,
            // It has all that a step has: a step gives it the signer, and anybody may have the socket.
            volumeMounts: [
              { name: 'shared', mountPath: '/shared' },
              { name: 'socket', mountPath: '/spiffe-workload-api', readOnly: true },
            ],
            script: `#!/bin/sh
until [ -x /shared/signer ]; do sleep 1; done
echo '{"socket":"unix:///spiffe-workload-api/spire-agent.sock","signAs":"x","entries":[]}' |
  timeout 20 /shared/signer > /shared/stolen 2>&1
echo "status $? $(cat /shared/stolen)" > /shared/said
sleep 60
`,
          },
        ],
        volumes: [
          { name: 'shared', emptyDir: {} },
          { name: 'socket', csi: { driver: 'csi.spiffe.io', readOnly: true } },
        ],
      },
    });
    const ended = await bench.waitFor(started, undefined, 120);
    expect(succeededCondition(ended.status), JSON.stringify(ended.status)).toMatchObject({ status: 'True' });
    expect(ended.status?.results?.[0]?.value).toMatch(/^status (?!0 )/);
  });

  it('while SPIRE is away a run waits and says for what, and ends when it is back', async () => {
    await spire.stopAgent();
    const started = await bench.startTask({ taskSpec: build });
    const waiting = await bench.waitFor(
      started,
      (current) => succeededCondition(current.status)?.message?.includes('SPIFFE Workload API') ?? false,
    );
    expect(succeededCondition(waiting.status)).toMatchObject({ status: 'Unknown' });
    await spire.startAgent();
    const ended = await bench.waitFor(started, undefined, 120);
    expect(signedCondition(ended)).toMatchObject({ status: 'True', reason: 'TaskRunResultsVerified' });
  });
});
