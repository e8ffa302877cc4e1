import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { METADATA, PolicyEnforcer } from './policy-enforcer.ts';
import { testCluster } from './setup.ts';

/** The chart's NetworkPolicies, enforced: what every role needs goes on, what none needs is out of reach. */
const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('policies');
const chainsNamespace = 'tekton-chains';
let installation: Installation;
let enforcer: PolicyEnforcer;

const roles = [
  { role: 'controller', namespace: systemNamespace, deployment: 'deployment/tekton-pipelines-controller' },
  { role: 'chains', namespace: chainsNamespace, deployment: 'deployment/tekton-chains-controller' },
];

/** What a role's own process gets from an address: the answer's text, or `unreachable`. */
async function reached(namespace: string, deployment: string, url: string): Promise<string> {
  const script = `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(3000) })
    .then((answer) => answer.text(), () => 'unreachable').then((text) => console.log(text.slice(0, 300)))`;
  return (
    await installation.kubectl(['--namespace', namespace, 'exec', deployment, '--', 'node', '-e', script])
  ).trim();
}

/** What a pod of a tenant gets from an address, with busybox' own wget. */
async function tenantReaches(namespace: string, url: string): Promise<string> {
  const script = `wget -q -T 3 -O - ${url} 2>/dev/null | head -c 300 || true; echo`;
  const run = await bench.runTask({
    taskSpec: {
      results: [{ name: 'got' }],
      steps: [{ name: 's', image, script: `#!/bin/sh\n(${script}) | tr -d '\\n' | head -c 200 > $(results.got.path)` }],
    },
  });
  expect(succeededCondition(run.status)?.status, namespace).toBe('True');
  return String(run.status?.results?.[0]?.value ?? '');
}

async function addressOf(namespace: string, label: string): Promise<string> {
  const path = 'jsonpath={.items[0].status.podIP}';
  return installation.kubectl(['--namespace', namespace, 'get', 'pods', '--selector', label, '-o', path]);
}

beforeAll(async () => {
  installation = await Installation.open();
  const node = await installation.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}']);
  enforcer = await PolicyEnforcer.start(await testCluster(), node);
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
    expect(await tenantReaches('none', `http://${address}:9090/metrics`)).toContain('# HELP');
  });
});

describe("with the chart's policies", () => {
  beforeAll(async () => {
    await installation.upgrade({ 'chains.enabled': 'true', 'networkPolicy.enabled': 'true' });
    // Enforced within a few seconds of their creation.
    await expect
      .poll(() => reached(systemNamespace, roles[0]?.deployment ?? '', `http://${METADATA.address}/`), {
        timeout: 60_000,
        interval: 2_000,
      })
      .toBe('unreachable');
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
    ["an image's entrypoint is looked up in the registry and run", { name: 's', image, args: ['echo', 'hi'] }],
    ['a script runs', { name: 's', image, script: 'echo hi' }],
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
    expect(await tenantReaches(namespace, `http://${address}:${port}/metrics`)).toBe('');
  });

  it('the pods stay ready: the kubelet reaches the probes', async () => {
    for (const { namespace, deployment } of roles) {
      const ready = ['get', deployment, '-o', 'jsonpath={.status.readyReplicas}'];
      expect(await installation.kubectl(['--namespace', namespace, ...ready])).toBe('1');
    }
  });
});
