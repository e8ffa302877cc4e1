import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { events } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';
import { sh } from './shell-step.ts';

/** What becomes of a run whose sidecar is not as it should be. */
const bench = openWorkbench('sidecars');
const serving = 'trap exit TERM; sleep 3600 & wait';

interface Row {
  spec: TaskRunSpec;
  condition: object;
  sidecars: object[];
}

/** All of these run at the same time. */
const rows: Record<string, Row> = {
  // The steps had no server: their own end tells less.
  'one that fails is what a failed run is about': {
    spec: { taskSpec: { sidecars: [sh('server', 'exit 4')], steps: [sh('work', 'sleep 3; exit 1')] } },
    condition: { status: 'False', reason: 'SidecarFailed', message: '"sidecar-server" exited with code 4: Error' },
    sidecars: [{ name: 'server', terminated: { exitCode: 4 } }],
  },
  'one that needs more memory than it may have': {
    spec: {
      taskSpec: {
        sidecars: [
          {
            ...sh('server', 'head -c 200000000 /dev/zero | tail; exit 137'),
            computeResources: { limits: { memory: '24Mi' } },
          },
        ],
        steps: [sh('work', 'sleep 3; exit 1')],
      },
    },
    condition: {
      status: 'False',
      reason: 'SidecarOOM',
      message: '"sidecar-server" exited with code 137: OOMKilled',
    },
    sidecars: [{ name: 'server', terminated: { reason: 'OOMKilled' } }],
  },
  'one with a param in its name': {
    spec: {
      params: [{ name: 'what', value: 'cache' }],
      taskSpec: {
        params: [{ name: 'what' }],
        sidecars: [sh('$(params.what)-server', serving)],
        steps: [sh('work', 'true')],
      },
    },
    condition: { status: 'True', reason: 'Succeeded' },
    sidecars: [{ name: 'cache-server', container: 'sidecar-cache-server' }],
  },
};

describe('a sidecar', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    const runs = Object.entries(rows).map(async ([name, { spec }]) => started.set(name, await bench.startTask(spec)));
    await Promise.all(runs);
  });

  it.each(Object.entries(rows))('%s', async (name, { condition, sidecars }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 120);
    expect(succeededCondition(ended.status)).toMatchObject(condition);
    expect(ended.status?.sidecars).toMatchObject(sidecars);
  });
});

describe('a sidecar that cannot be stopped', () => {
  let installation: Installation;
  const policy = () => {
    const name = `images-stay-${bench.namespace}`;
    const group = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } };
    const unchanged = 'object.spec.containers.all(c, oldObject.spec.containers.exists(o, o.image == c.image))';
    const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods'] };
    const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': bench.namespace } };
    return [
      {
        ...group,
        kind: 'ValidatingAdmissionPolicy',
        spec: {
          matchConstraints: { resourceRules: [rule], namespaceSelector },
          validations: [{ expression: unchanged, message: 'images stay as they are' }],
        },
      },
      {
        ...group,
        kind: 'ValidatingAdmissionPolicyBinding',
        spec: { policyName: name, validationActions: ['Deny'] },
      },
    ];
  };
  const asList = () => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: policy() });

  beforeAll(async () => {
    installation = await Installation.open();
    await installation.kubectl(['create', '--filename', '-'], asList());
  });
  afterAll(async () => {
    await installation.kubectl(['delete', '--ignore-not-found', '--filename', '-'], asList());
    await installation.close();
  });

  it('leaves the run as it is, and an event says so', async () => {
    const spec = { taskSpec: { sidecars: [sh('server', serving)], steps: [sh('work', 'true')] } };
    const warned = async () => {
      const run = await bench.runTask(spec);
      expect(succeededCondition(run.status)).toMatchObject({ status: 'True', reason: 'Succeeded' });
      const fieldSelector = `involvedObject.uid=${run.metadata.uid},reason=TaskRunStopSidecarFailed`;
      // A policy is in force a moment after it was made.
      for (let left = 20; left > 0; left -= 1) {
        const { items } = await bench.client.list(events, { namespace: bench.namespace, fieldSelector });
        if (items[0]) return items[0].message;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return undefined;
    };
    await expect
      .poll(warned, { timeout: 60_000, interval: 500 })
      .toMatch(/^the sidecars could not be stopped and run on until the pod is deleted: .*images stay as they are/);
  });
});
