import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FieldError } from '../../src/api/fielderror.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { validatePipelineRunUpdate } from '../../src/api/pipeline/v1/pipelinerun.validate.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { validateTaskRunUpdate } from '../../src/api/pipeline/v1/taskrun.validate.ts';
import { Gates, type Patch } from './gates-world.ts';
import type { Json } from './https-server.ts';

/**
 * Nobody changes a run that was created: by the rules of the CRDs alone, and by the chart's policies alone, on a real
 * API server. What they say is compared with the validators' words.
 */
const taskSpec = {
  steps: [{ name: 's', image: 'busybox', script: 'echo', securityContext: { runAsUser: 1000 } }],
  volumes: [{ name: 'v', emptyDir: {} }],
};
const specs: Record<Run, Json> = {
  taskruns: {
    params: [
      { name: 'ref', value: 'evil' },
      { name: 'deep', value: { a: { b: [1] } } },
    ],
    taskSpec,
    serviceAccountName: 'builder',
  },
  pipelineruns: {
    params: [{ name: 'ref', value: 'evil' }],
    pipelineSpec: { tasks: [{ name: 'build', taskSpec }] },
    taskRunTemplate: { serviceAccountName: 'builder' },
  },
};
const onlyStatus: Record<Run, string> = {
  taskruns: 'Once the TaskRun has started, only status and statusMessage updates are allowed',
  pipelineruns: 'Once the PipelineRun has started, only status updates are allowed',
};
const noUpdates: Record<Run, string> = {
  taskruns: 'Once the TaskRun is complete, no updates are allowed',
  pipelineruns: 'Once the PipelineRun is complete, no updates are allowed',
};

type Run = 'taskruns' | 'pipelineruns';
type State = 'created' | 'running' | 'ended';
interface Row {
  name: string;
  run: Run;
  state?: State;
  patch: Patch;
  /** Left out: the change is allowed. */
  refused?: string;
  /** The rules of a CRD do not see it. */
  unseenByRules?: true;
}

const replace = (path: string, value: unknown) => ({ op: 'replace', path, value });
const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const remove = (path: string) => ({ op: 'remove', path });

const taskRunRows: Omit<Row, 'run'>[] = [
  { name: "a param's value", patch: [replace('/spec/params/0/value', 'main')], refused: onlyStatus.taskruns },
  {
    name: "a param's value, deep inside",
    patch: [replace('/spec/params/1/value/a/b/0', 2)],
    refused: onlyStatus.taskruns,
  },
  {
    name: "a param's value for one of another type",
    patch: [replace('/spec/params/0/value', ['evil'])],
    refused: onlyStatus.taskruns,
  },
  { name: 'a param more', patch: [add('/spec/params/-', { name: 'x', value: 'y' })], refused: onlyStatus.taskruns },
  { name: 'no params', patch: [remove('/spec/params')], refused: onlyStatus.taskruns },
  {
    name: 'another ServiceAccount, while it runs',
    state: 'running',
    patch: [replace('/spec/serviceAccountName', 'deployer')],
    refused: onlyStatus.taskruns,
  },
  {
    name: "a step's image",
    state: 'running',
    patch: [replace('/spec/taskSpec/steps/0/image', 'evil')],
    refused: onlyStatus.taskruns,
  },
  { name: 'a timeout', state: 'running', patch: [add('/spec/timeout', '9h')], refused: onlyStatus.taskruns },
  {
    name: 'a volume of another kind, with as many fields',
    patch: [replace('/spec/taskSpec/volumes/0', { name: 'v', hostPath: {} })],
    refused: onlyStatus.taskruns,
    unseenByRules: true,
  },
  {
    name: 'a security context with as many fields',
    patch: [replace('/spec/taskSpec/steps/0/securityContext', { privileged: true })],
    refused: onlyStatus.taskruns,
    unseenByRules: true,
  },
  {
    name: 'a security context with another value',
    patch: [replace('/spec/taskSpec/steps/0/securityContext', { runAsUser: 0 })],
    refused: onlyStatus.taskruns,
  },
  { name: 'another controller', patch: [add('/spec/managedBy', 'example.com/x')], refused: 'managedBy is immutable' },
  {
    name: 'a param, once it has ended',
    state: 'ended',
    patch: [replace('/spec/params/0/value', 'main')],
    refused: noUpdates.taskruns,
  },
  {
    name: 'its cancellation, once it has ended',
    state: 'ended',
    patch: [add('/spec/status', 'TaskRunCancelled')],
    refused: noUpdates.taskruns,
  },
  { name: 'its cancellation', state: 'running', patch: [add('/spec/status', 'TaskRunCancelled')] },
  {
    name: 'its cancellation, and why',
    state: 'running',
    patch: [add('/spec/status', 'TaskRunCancelled'), add('/spec/statusMessage', 'because')],
  },
  { name: 'labels and a finalizer', state: 'ended', patch: [add('/metadata/labels', { a: 'b' })] },
  { name: 'nothing', state: 'ended', patch: [replace('/spec', specs.taskruns)] },
];

const pipelineRunRows: Omit<Row, 'run'>[] = [
  { name: "a param's value", patch: [replace('/spec/params/0/value', 'main')], refused: onlyStatus.pipelineruns },
  {
    name: "an embedded step's image",
    state: 'running',
    patch: [replace('/spec/pipelineSpec/tasks/0/taskSpec/steps/0/image', 'evil')],
    refused: onlyStatus.pipelineruns,
  },
  {
    name: 'another ServiceAccount',
    state: 'running',
    patch: [replace('/spec/taskRunTemplate/serviceAccountName', 'deployer')],
    refused: onlyStatus.pipelineruns,
  },
  {
    name: 'settings of a task',
    state: 'running',
    patch: [add('/spec/taskRunSpecs', [{ pipelineTaskName: 'build', serviceAccountName: 'deployer' }])],
    refused: onlyStatus.pipelineruns,
  },
  {
    name: 'a Pipeline written otherwise, with as many fields',
    patch: [replace('/spec/pipelineSpec', { finally: [{ name: 'build', taskSpec }] })],
    refused: onlyStatus.pipelineruns,
    unseenByRules: true,
  },
  {
    name: 'another controller',
    state: 'running',
    patch: [add('/spec/managedBy', 'example.com/x')],
    refused: 'managedBy is immutable',
  },
  {
    name: 'its cancellation, once it has ended',
    state: 'ended',
    patch: [add('/spec/status', 'Cancelled')],
    refused: noUpdates.pipelineruns,
  },
  { name: 'its cancellation', state: 'running', patch: [add('/spec/status', 'CancelledRunFinally')] },
  { name: 'that it waits', patch: [add('/spec/status', 'PipelineRunPending')] },
  { name: 'annotations', state: 'ended', patch: [add('/metadata/annotations', { a: 'b' })] },
];

const rows: Row[] = [
  ...taskRunRows.map((row) => ({ ...row, run: 'taskruns' as const })),
  ...pipelineRunRows.map((row) => ({ ...row, run: 'pipelineruns' as const })),
];

const statuses: Record<State, Json | undefined> = {
  created: undefined,
  running: { startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Succeeded', status: 'Unknown' }] },
  ended: { startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Succeeded', status: 'True' }] },
};

let gates: Gates;
beforeAll(async () => {
  gates = await Gates.up('gates-spec');
});
afterAll(() => gates.down());

/** Tries a row's change as a user with every right, and returns what was said of it. */
async function attempt({ run, state = 'created', patch }: Row): Promise<{ said: string; before: Json; after: Json }> {
  const name = await gates.made('tenant', run, { spec: specs[run] });
  const status = statuses[state];
  if (status) expect(await gates.putStatus('controller', run, name, status)).toMatchObject({ status: 200 });
  const { body: before } = await gates.call(undefined, 'GET', gates.address(run, name));
  const { status: code, body } = await gates.patch('tenant', run, name, patch);
  return { said: code === 200 ? 'allowed' : `${code} ${body.message}`, before, after: body };
}

describe("the rules of the CRDs alone: changing of a run's", () => {
  beforeAll(() => gates.install('admission.enabled=false'));

  it.each(rows)('$run, $state: $name', async (row) => {
    const { said, before, after } = await attempt(row);
    if (row.refused === undefined || row.unseenByRules) {
      expect(said).toBe('allowed');
      expect(validators(row.run, before, after)).toEqual(row.unseenByRules ? [row.refused] : []);
    } else {
      expect(said).toMatch(/^422 .* is invalid: /);
      expect(said).toContain(row.refused);
    }
  });

  it('names the field', async () => {
    const said = async (row: Row) => (await attempt(row)).said;
    expect(await said({ name: '', run: 'taskruns', patch: [replace('/spec/params', [])] })).toContain(' spec: Invalid');
    expect(await said({ name: '', run: 'taskruns', patch: [add('/spec/managedBy', 'x')] })).toContain(
      ' spec.managedBy: Invalid',
    );
  });
});

/** What the validators of src/api say of the same change. */
function validators(run: Run, before: Json, after: Json): string[] {
  const errors: FieldError[] =
    run === 'taskruns'
      ? validateTaskRunUpdate(before as unknown as TaskRun, after as unknown as TaskRun)
      : validatePipelineRunUpdate(before as unknown as PipelineRun, after as unknown as PipelineRun);
  return errors.map((error) => /Once the .* allowed|managedBy is immutable/.exec(JSON.stringify(error))?.[0] ?? '');
}

describe("the policies alone: changing of a run's", () => {
  beforeAll(async () => {
    await gates.applyDefinitionsWithoutRules();
    await gates.install('crds.install=false');
    // A run for each try: one that was changed before the policies held would not be changed by the next.
    await gates.until(422, async () => {
      const name = await gates.made('tenant', 'taskruns', { spec: specs.taskruns });
      return gates.patch('tenant', 'taskruns', name, [add('/spec/managedBy', 'x')]);
    });
  });

  it.each(rows)('$run, $state: $name', async (row) => {
    const { said } = await attempt(row);
    if (row.refused === undefined) {
      expect(said).toBe('allowed');
    } else {
      expect(said).toMatch(/^422 .*ValidatingAdmissionPolicy 'run-spec\.tektite\.dev'/);
      expect(said).toContain(row.refused);
    }
  });

  it('holds for the controller and for Chains too', async () => {
    const name = await gates.made('tenant', 'taskruns', { spec: specs.taskruns });
    for (const user of ['controller', 'chains'] as const)
      expect((await gates.patch(user, 'taskruns', name, [add('/spec/timeout', '9h')])).status).toBe(422);
  });

  it('compares a spec as large as can be stored', async () => {
    const script = 'x'.repeat(1_400_000);
    const spec = { taskSpec: { steps: [{ name: 's', image: 'busybox', script }] } };
    const name = await gates.made('tenant', 'taskruns', { spec });
    expect((await gates.merge('tenant', 'taskruns', name, { metadata: { labels: { a: 'b' } } })).status).toBe(200);
    expect((await gates.patch('tenant', 'taskruns', name, [add('/spec/status', 'TaskRunCancelled')])).status).toBe(200);
    const { status, body } = await gates.patch('tenant', 'taskruns', name, [
      replace('/spec/taskSpec/steps/0/script', `${script.slice(1)}y`),
    ]);
    expect(status).toBe(422);
    expect(body.message).toContain(onlyStatus.taskruns);
  });

  it('compares many params', async () => {
    const params = Array.from({ length: 10_000 }, (_, index) => ({ name: `p${index}`, value: `${index}` }));
    const name = await gates.made('tenant', 'taskruns', { spec: { params, taskSpec } });
    expect((await gates.merge('tenant', 'taskruns', name, { metadata: { labels: { a: 'b' } } })).status).toBe(200);
    const { body } = await gates.patch('tenant', 'taskruns', name, [replace('/spec/params/9999/value', 'x')]);
    expect(body.message).toContain(onlyStatus.taskruns);
  });

  it('lets a run be deleted', async () => {
    const name = await gates.made('tenant', 'pipelineruns', { spec: specs.pipelineruns });
    expect((await gates.call('tenant', 'DELETE', gates.address('pipelineruns', name))).status).toBe(200);
  });
});
