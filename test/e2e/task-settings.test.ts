import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { tasks } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, pods, secrets, serviceAccounts, type Pod } from '../../src/kube/resources.ts';
import { startServer, type FakeServer } from '../../src/http/http-server.fake.ts';
import { openWorkbench } from './cluster.ts';
import { hostBeside } from './remote-servers.ts';
import { testCluster } from './setup.ts';
import { image, sh } from './shell-step.ts';

/** The operator's settings of tasks, each by what it does on the node; all are changed while the controller runs. */
const bench = openWorkbench('task-settings');
const idle: TaskRunSpec = { taskSpec: { steps: [sh('s', 'true')] } };

/** Sets keys of a ConfigMap and gives the way back. */
async function set(map: string, data: Record<string, string>): Promise<() => Promise<unknown>> {
  const patch = (body: object) =>
    bench.client.patch(configMaps, systemNamespace, map, { type: 'merge', body: { data: body } });
  await patch(data);
  return () => patch(Object.fromEntries(Object.keys(data).map((key) => [key, null])));
}

/** Runs see the settings within moments: until one of them does. */
async function inEffect(isSeen: (run: TaskRun) => boolean): Promise<void> {
  const seen = async () => expect(isSeen(await bench.runTask(idle))).toBe(true);
  await vi.waitFor(seen, { timeout: 30_000, interval: 200 });
}

const podOf = ({ status }: TaskRun): Promise<Pod> => bench.client.get(pods, bench.namespace, status?.podName ?? '');
const containersOf = ({ spec }: Pod) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
const seconds = ({ status }: TaskRun) =>
  (Date.parse(status?.completionTime ?? '') - Date.parse(status?.startTime ?? '')) / 1000;

describe('config-defaults', () => {
  let reset: () => Promise<unknown>;
  let run: TaskRun;
  let unanswered: TaskRun;
  let pod: Pod;
  beforeAll(async () => {
    await bench.create(serviceAccounts, { metadata: { name: 'worker' } });
    reset = await set('config-defaults', {
      'default-service-account': 'worker',
      'default-pod-template': 'env: [{name: SEEN, value: seen}]',
      'default-forbidden-env': 'HIDDEN',
      'default-task-run-workspace-binding': 'emptyDir: {}',
      'default-container-resource-requirements':
        'prepare: {requests: {cpu: 11m}}\nprefix-step: {requests: {cpu: 12m}}\ndefault: {requests: {cpu: 13m}}\n',
      'default-imagepullbackoff-timeout': '8s',
      'default-create-container-error-timeout': '8s',
      'default-resolver-type': 'cluster',
      'default-maximum-resolution-timeout': '6s',
    });
    await inEffect(({ spec }) => spec.serviceAccountName === 'worker');
    unanswered = await bench.startTask({ taskRef: { resolver: 'nobody' } });
    run = await bench.runTask({
      taskSpec: {
        workspaces: [{ name: 'data' }],
        results: [{ name: 'env' }],
        steps: [sh('s', 'touch $(workspaces.data.path)/x\nprintf "$SEEN" > $(results.env.path)')],
      },
    });
    pod = await podOf(run);
  });
  afterAll(() => reset());

  it.each<[string, () => unknown, unknown]>([
    ['default-service-account', () => pod.spec?.serviceAccountName, 'worker'],
    ['default-pod-template', () => run.status?.results?.[0]?.value, 'seen'],
    ['default-task-run-workspace-binding', () => succeededCondition(run.status)?.reason, 'Succeeded'],
    [
      'default-container-resource-requirements',
      () => containersOf(pod).map(({ name, resources }) => [name, resources?.requests?.['cpu']]),
      [
        ['prepare', '11m'],
        ['step-s', '12m'],
      ],
    ],
  ])('%s', (_key, found, expected) => expect(found()).toEqual(expected));

  it('default-resolver-type: whom a reference asks that names nobody', async () => {
    const metadata = { name: 'elsewhere' };
    await bench.create(tasks, { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata, spec: idle.taskSpec ?? {} });
    const asked = { kind: 'task', name: 'elsewhere', namespace: bench.namespace };
    const params = Object.entries(asked).map(([name, value]) => ({ name, value }));
    const { spec, status } = await bench.runTask({ taskRef: { params } });
    expect(spec.taskRef?.resolver).toBe('cluster');
    expect(succeededCondition(status)?.reason).toBe('Succeeded');
    expect(status?.provenance?.refSource?.uri).toContain(`/namespaces/${bench.namespace}/task/elsewhere@`);
  });

  it('default-maximum-resolution-timeout', async () => {
    const ended = await bench.waitFor(unanswered);
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason: 'TaskRunResolutionFailed',
      message: expect.stringMatching(/resolution took longer than global timeout of 6s/) as string,
    });
    expect(seconds(ended)).toBeLessThan(20);
  });

  it('default-forbidden-env', async () => {
    const podTemplate = { env: [{ name: 'HIDDEN', value: 'x' }] };
    const said = await bench.startTask({ ...idle, podTemplate }).then(() => 'taken', String);
    expect(said).toContain('PodTemplate cannot update a forbidden env: HIDDEN: spec.PodTemplate.Env');
  });

  it.each<[string, object, string, RegExp]>([
    [
      'default-imagepullbackoff-timeout',
      { image: 'docker.io/library/no-such-image:3', command: ['true'] },
      'TaskRunImagePullFailed',
      /^the step "s" in TaskRun "\S+" failed to pull the image "docker\.io\/library\/no-such-image:3"\./,
    ],
    [
      'default-create-container-error-timeout',
      { image, command: ['true'], securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'no' } } },
      'PodCreationFailed',
      /^the step "s" in TaskRun "\S+" failed to start\. The pod errored with the message: /,
    ],
  ])('%s is given before it fails', async (_key, step, reason, message) => {
    const ended = await bench.runTask({ taskSpec: { steps: [{ name: 's', ...step }] } });
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason,
      message: expect.stringMatching(message) as string,
    });
    expect(seconds(ended)).toBeGreaterThanOrEqual(8);
  });
});

describe('feature-flags', () => {
  const reset: (() => Promise<unknown>)[] = [];
  afterAll(() => Promise.all(reset.map((back) => back())));

  it('require-git-ssh-secret-known-hosts', async () => {
    const name = 'without-known-hosts';
    const metadata = { name, annotations: { 'tekton.dev/git-0': 'git.example.com' } };
    await bench.create(secrets, { metadata, type: 'kubernetes.io/ssh-auth', stringData: { 'ssh-privatekey': 'x' } });
    await bench.create(serviceAccounts, { metadata: { name }, secrets: [{ name }] });
    reset.push(await set('feature-flags', { 'require-git-ssh-secret-known-hosts': 'true' }));
    await inEffect(({ status }) => status?.provenance?.featureFlags?.['requireGitSSHSecretKnownHosts'] === true);
    const run = await bench.runTask({ ...idle, serviceAccountName: name });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'StepFailed',
      message: expect.stringMatching(/^"step-s" exited with code 1: .*secret without-known-hosts: .*"known_hosts"/),
    });
  });

  describe('of pods', () => {
    let run: TaskRun;
    let pod: Pod;
    beforeAll(async () => {
      const flags = {
        'disable-creds-init': 'true',
        'await-sidecar-readiness': 'false',
        'set-security-context': 'true',
        'set-security-context-read-only-root-filesystem': 'true',
      };
      reset.push(await set('feature-flags', flags));
      await inEffect(({ status }) => status?.provenance?.featureFlags?.['disableCredsInit'] === true);
      const never = { exec: { command: ['false'] }, periodSeconds: 1 };
      const server = { ...sh('server', 'trap exit TERM; sleep 3600 & wait'), readinessProbe: never };
      run = await bench.runTask({ taskSpec: { sidecars: [server], steps: [sh('s', 'true')] } });
      pod = await podOf(run);
    });

    it('disable-creds-init: no volume for credentials', () => {
      const names = (pod.spec?.volumes ?? []).map(({ name }) => name);
      expect(names.filter((name) => name.includes('creds'))).toEqual([]);
    });
    it('await-sidecar-readiness: steps do not wait for a sidecar that is never ready', () =>
      expect(succeededCondition(run.status)?.reason).toBe('Succeeded'));
    it("set-security-context and its read-only root are for Tekton's own container", () =>
      expect(containersOf(pod)[0]).toMatchObject({
        name: 'prepare',
        securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, readOnlyRootFilesystem: true },
      }));
  });

  it('enable-param-enum', async () => {
    reset.push(await set('feature-flags', { 'enable-param-enum': 'true' }));
    await inEffect(({ status }) => status?.provenance?.featureFlags?.['enableParamEnum'] === true);
    const spec = { params: [{ name: 'p', enum: ['a'] }], steps: [sh('s', 'true')] };
    await bench.create(tasks, { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 'choosy' }, spec });
    const run = await bench.runTask({ taskRef: { name: 'choosy' }, params: [{ name: 'p', value: 'z' }] });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'InvalidParamValue',
      message: expect.stringContaining('param `p` value: z is not in the enum list') as string,
    });
  });

  it('enable-provenance-in-status', async () => {
    reset.push(await set('feature-flags', { 'enable-provenance-in-status': 'false' }));
    await inEffect(({ status }) => status?.provenance === undefined);
  });

  it('disable-inline-spec', async () => {
    const metadata = { name: 'named' };
    await bench.create(tasks, { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata, spec: idle.taskSpec ?? {} });
    reset.push(await set('feature-flags', { 'disable-inline-spec': 'taskrun' }));
    const said = () => bench.startTask(idle).then(() => 'taken', String);
    await vi.waitFor(async () => expect(await said()).toContain('must not set the field(s): spec.taskSpec'), {
      timeout: 30_000,
      interval: 200,
    });
    const run = await bench.runTask({ taskRef: { name: 'named' } });
    expect(succeededCondition(run.status)?.reason).toBe('Succeeded');
  });
});

it('config-tracing: the run says by which span it can be found', async () => {
  const reset = await set('config-tracing', { enabled: 'true', endpoint: 'http://127.0.0.1:4318/v1/traces' });
  try {
    await inEffect(({ status }) => /^00-[0-9a-f]{32}-/.test(status?.spanContext?.['traceparent'] ?? ''));
  } finally {
    await reset();
  }
});

describe('cloud events go where the settings say', () => {
  let receiver: FakeServer;
  /** The receiver's first answers; then it takes what it gets. */
  let refusals: number;
  beforeAll(async () => {
    const answer = () => ({ status: refusals-- > 0 ? 503 : 202 });
    receiver = await startServer(answer, hostBeside((await testCluster()).registry));
  });
  afterAll(() => receiver.close());

  it.each<{ map: string; keys: (sink: string) => Record<string, string> }>([
    { map: 'config-events', keys: (sink) => ({ sink, formats: 'tektonv1' }) },
    { map: 'config-defaults', keys: (sink) => ({ 'default-cloud-events-sink': sink }) },
  ])('$map: to a receiver that fails at first as well, each in its order', async ({ map, keys }) => {
    refusals = 0;
    const sink = `${receiver.url}/${map}`;
    const eventsOf = ({ metadata }: TaskRun) =>
      receiver.requests.filter(
        ({ path, headers }) => path === `/${map}` && headers['ce-source']?.includes(`/${metadata.name}`),
      );
    const typesOf = (run: TaskRun) => eventsOf(run).map(({ headers }) => String(headers['ce-type']));
    const reset = await set(map, keys(sink));
    try {
      await inEffect((run) => typesOf(run).length > 0);
      refusals = 2;
      const run = await bench.runTask(idle);
      const ended = 'dev.tekton.event.taskrun.successful.v1';
      await expect.poll(() => typesOf(run), { timeout: 30_000 }).toContain(ended);
      expect(refusals).toBeLessThanOrEqual(0);
      // What it was in between for a moment only is passed over.
      expect([typesOf(run)[0], typesOf(run).at(-1)]).toEqual(['dev.tekton.event.taskrun.queued.v1', ended]);
      const last = eventsOf(run).at(-1);
      expect(JSON.parse(last?.body.toString() ?? '')).toMatchObject({
        taskRun: { metadata: { uid: run.metadata.uid } },
      });
    } finally {
      await reset();
    }
  });
});
