import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { METADATA, PolicyEnforcer, policyValues } from './policy-enforcer.ts';
import { testCluster } from './setup.ts';

/** The chart's NetworkPolicies, enforced: what every role needs goes on, what none needs is out of reach. */
const node = 'docker.io/library/node:26-slim';
const bench = openWorkbench('policies');
const chainsNamespace = 'tekton-chains';
let installation: Installation;
let enforcer: PolicyEnforcer;

const roles = [
  { role: 'controller', namespace: systemNamespace, deployment: 'deployment/tekton-pipelines-controller' },
  {
    role: 'resolvers',
    namespace: 'tekton-pipelines-resolvers',
    deployment: 'deployment/tekton-pipelines-remote-resolvers',
  },
  { role: 'chains', namespace: chainsNamespace, deployment: 'deployment/tekton-chains-controller' },
];

/** A script without single quotes: it stands in them. */
const fetching = (url: string) => `fetch("${url}", { signal: AbortSignal.timeout(3000) })
  .then((answer) => answer.text(), () => "unreachable").then((text) => process.stdout.write(text.slice(0, 200)))`;

/** What a role's own process gets from an address: the answer's text, or `unreachable`. */
async function reached(namespace: string, deployment: string, url: string): Promise<string> {
  const words = ['--namespace', namespace, 'exec', deployment, '--', 'node', '-e', fetching(url)];
  return (await installation.kubectl(words)).trim();
}

/** What a pod of a tenant gets from an address. */
async function tenantReaches(url: string): Promise<string> {
  const script = `#!/bin/sh\nnode -e '${fetching(url)}' > $(results.got.path)`;
  const run = await bench.runTask({
    taskSpec: { results: [{ name: 'got' }], steps: [{ name: 's', image: node, script }] },
  });
  expect(succeededCondition(run.status)).toMatchObject({ status: 'True' });
  return String(run.status?.results?.[0]?.value ?? '');
}

async function addressOf(namespace: string, label: string): Promise<string> {
  const path = 'jsonpath={.items[0].status.podIP}';
  return installation.kubectl(['--namespace', namespace, 'get', 'pods', '--selector', label, '-o', path]);
}

beforeAll(async () => {
  installation = await Installation.open();
  enforcer = await PolicyEnforcer.start(await testCluster());
  await installation.upgrade({ 'chains.enabled': 'true' });
}, 300_000);

afterAll(async () => {
  await installation.upgrade();
  await enforcer?.stop();
  await installation.close();
}, 300_000);

describe('without policies', () => {
  it.each(roles)('$role reaches the metadata server: it is there', async ({ namespace, deployment }) => {
    expect(await reached(namespace, deployment, `http://${METADATA.address}/`)).toBe(METADATA.answer);
  });

  it('a tenant reads the metrics', async () => {
    const address = await addressOf(systemNamespace, 'app.kubernetes.io/name=controller');
    expect(await tenantReaches(`http://${address}:9090/metrics`)).toContain('# HELP');
  });
});

describe("with the chart's policies", () => {
  beforeAll(async () => {
    await installation.upgrade({ 'chains.enabled': 'true', ...(await policyValues(installation.target)) });
    // Enforced within a few seconds of their creation.
    for (const { namespace, deployment } of roles)
      await vi.waitFor(
        async () => expect(await reached(namespace, deployment, `http://${METADATA.address}/`)).toBe('unreachable'),
        { timeout: 60_000, interval: 1_000 },
      );
  }, 300_000);

  it.each(roles)('$role does not reach the metadata server', async ({ namespace, deployment }) => {
    expect(await reached(namespace, deployment, `http://${METADATA.address}/`)).toBe('unreachable');
  });

  it.each(roles)('$role still reaches the API server and finds names', async ({ namespace, deployment }) => {
    // Without a certificate it trusts, fetch says so only after it has connected.
    const script = `fetch('https://kubernetes.default.svc/healthz').catch((error) => console.log(error.cause.code))`;
    const said = await installation.kubectl(['--namespace', namespace, 'exec', deployment, '--', 'node', '-e', script]);
    expect(said).toMatch(/CERT|SIGNED|SIGNATURE|ISSUER/);
  });

  it.each([
    [
      "an image's entrypoint is looked up in the registry and run",
      { name: 's', image: node, args: ['node', '-e', '0'] },
    ],
    ['a script runs', { name: 's', image: node, script: 'echo hi' }],
  ])('runs go on: %s', async (_name, step) => {
    const run = await bench.runTask({ taskSpec: { steps: [step] } });
    expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
  });

  it.each([
    ["the controller's metrics", systemNamespace, 'app.kubernetes.io/name=controller', 9090],
    ["the controller's probes", systemNamespace, 'app.kubernetes.io/name=controller', 8080],
    ["Chains' metrics", chainsNamespace, 'app=tekton-chains-controller', 9090],
  ])('a tenant does not reach %s', async (_name, namespace, label, port) => {
    const address = await addressOf(namespace, label);
    expect(await tenantReaches(`http://${address}:${port}/metrics`)).toBe('unreachable');
  });

  it('the pods stay ready: the kubelet reaches the probes', async () => {
    for (const { namespace, deployment } of roles) {
      const ready = ['get', deployment, '-o', 'jsonpath={.status.readyReplicas}'];
      expect(await installation.kubectl(['--namespace', namespace, ...ready])).toBe('1');
    }
  });
});
