import { beforeEach, describe, expect, it } from 'vitest';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { pipelines } from '../../api/resources.ts';
import { recorded } from '../../core/digest/record.ts';
import { verifyPipelineRunRecord, type NestedRun } from '../../core/digest/verify.ts';
import { runReference } from '../../core/owner.ts';
import { settings, task } from '../../core/pipelinerun/simulation.fake.ts';
import { pipelineRunResource, taskRunResource } from './children.ts';
import { World } from './world.fake.ts';

const nested = (name: string, tasks: PipelineTask[]): PipelineTask => ({
  name,
  pipelineSpec: { tasks, results: [{ name: 'r', value: '$(tasks.t.results.r)' }] },
});
const tree = { pipelineSpec: { tasks: [nested('mid', [nested('t', [task('t', {}, 'r')])])] } };
const names = ['run', 'run-mid', 'run-mid-t'];
let world: World;

beforeEach(() => {
  world = new World();
  world.settings = { ...settings, flags: parseFeatureFlags({ 'enable-api-fields': 'alpha' }).flags };
});

/** Every run of the tree is looked at once, the outermost first or last. */
async function round(order = names): Promise<void> {
  for (const name of order) {
    if (!(await exists(name))) continue;
    await world.reconcile(name);
    await world.watch();
  }
}

async function exists(name: string): Promise<boolean> {
  return (await world.client.list(pipelineRunResource)).items.some(({ metadata }) => metadata.name === name);
}

const conditions = () => Promise.all(names.map((name) => world.condition(name)));

/** As Chains reads the tree: children without status are their own reconciler's matter. */
async function readTree(name: string): Promise<NestedRun> {
  const run = await world.run(name);
  const referred = run.status?.childReferences ?? [];
  const taskRuns = (await world.client.list(taskRunResource)).items.map(({ status: _status, ...child }) => child);
  const inner = referred.filter(({ kind }) => kind === 'PipelineRun');
  return {
    run,
    children: taskRuns.filter(({ metadata }) => referred.some((one) => one.name === metadata.name)),
    nested: await Promise.all(inner.map((one) => readTree(one.name ?? ''))),
  };
}

async function problems(): Promise<string[]> {
  const { run, children, nested: inner } = await readTree('run');
  const found = verifyPipelineRunRecord(run, children, inner);
  return found.kind === 'changed' ? found.problems.map(({ field }) => field) : [found.kind];
}

async function edit(name: string, change: (run: PipelineRun) => PipelineRun): Promise<void> {
  await world.client.replace(pipelineRunResource, change(await world.run(name)));
  await world.watch();
}

describe('three pipelines in each other', () => {
  beforeEach(async () => {
    await world.create(tree);
    await round();
  });

  it('run from the outside in, and end with their results from the inside out', async () => {
    await world.finish('run-mid-t-t', { r: 'R' });
    await round(names.toReversed());
    expect(await conditions()).toEqual(['True Succeeded', 'True Succeeded', 'True Succeeded']);
    expect((await world.run('run-mid')).status?.results).toEqual([{ name: 'r', value: 'R' }]);
    expect(await problems()).toEqual(['sound']);
  });

  it.each(['Cancelled', 'CancelledRunFinally'])('%s reaches the innermost task', async (status) => {
    await edit('run', (run) => ({ ...run, spec: { ...run.spec, status } }));
    await round();
    expect((await world.run('run-mid-t')).spec.status).toBe(status);
    expect((await world.client.get(taskRunResource, 'ns', 'run-mid-t-t')).spec.status).toBe('TaskRunCancelled');
  });

  it.each<[string, string, (run: PipelineRun) => PipelineRun, string]>([
    [
      'a param of a nested run',
      'run-mid',
      (run) => ({ ...run, spec: { ...run.spec, params: [{ name: 'evil', value: 'x' }] } }),
      'PipelineRun run-mid spec',
    ],
    [
      'the pipeline of one deeper in',
      'run-mid-t',
      (run) => ({ ...run, spec: { ...run.spec, pipelineSpec: { tasks: [task('evil')] } } }),
      'PipelineRun run-mid PipelineRun run-mid-t spec',
    ],
  ])('%s that is changed is found from the outermost', async (_name, name, change, field) => {
    await edit(name, change);
    await round();
    await world.finish('run-mid-t-t', { r: 'R' });
    await round(names.toReversed());
    expect(await problems()).toContain(field);
  });

  it('a run that only says that it belongs to it is ignored', async () => {
    const { metadata } = await world.run();
    world.client.seed(pipelineRunResource, {
      metadata: {
        name: 'stranger',
        namespace: 'ns',
        uid: 'other',
        labels: { 'tekton.dev/pipelineTask': 'mid' },
        ownerReferences: [runReference('PipelineRun', metadata)],
      },
      spec: { pipelineSpec: { tasks: [task('evil')] } },
    });
    await world.watch();
    await round();
    const { status } = await world.run();
    expect(recorded(status, 'ignored')).toBe('stranger');
    expect(status?.childReferences?.map(({ name }) => name)).toEqual(['run-mid']);
  });
});

it('killed before any one of its writes, the tree still has one run each and its end', async () => {
  for (let victim = 0; victim < 14; victim++) {
    world.client.intercept = undefined;
    const { settings: alpha } = world;
    world = new World();
    world.settings = alpha;
    await world.create(tree);
    let writes = 0;
    world.client.intercept = ({ verb, resource }) => {
      if (verb === 'get' || verb === 'list' || resource === 'taskruns/status') return;
      if (writes++ === victim) throw new Error('killed');
    };
    for (let turn = 0; turn < 12; turn++) {
      await round().catch(() => undefined);
      await world.watch();
      const made = world.stores.taskRuns.list();
      if (made.some(({ status }) => status === undefined))
        await world.finish('run-mid-t-t', { r: 'R' }).catch(() => undefined);
    }
    expect(await conditions(), `killed at write ${victim}`).toEqual(Array(3).fill('True Succeeded'));
    const made = world.client.writes.filter(({ verb }) => verb === 'create').map(({ key }) => key);
    // A write that was interrupted is tried again.
    expect([...new Set(made)].toSorted()).toEqual(['ns/run-mid', 'ns/run-mid-t', 'ns/run-mid-t-t']);
  }
});

it('a Pipeline that runs itself through another ends, and says how', async () => {
  const pipeline = (name: string, inner: string) =>
    world.client.seed(pipelines, {
      metadata: { name, namespace: 'ns' },
      spec: { tasks: [{ name: inner, pipelineRef: { name: inner } }] },
    });
  pipeline('a', 'b');
  pipeline('b', 'a');
  await world.create({ pipelineRef: { name: 'a' } });
  for (let turn = 0; turn < 3; turn++) await round(['run', 'run-b', 'run-b-a']);
  expect((await world.run('run-b-a')).status?.conditions?.[0]?.message).toBe(
    "PipelineRun ns/run-b-a can't be Run: [User error] the pipeline runs itself: a -> b -> a; take one of these out",
  );
  expect(await world.condition()).toBe('False Failed');
});
