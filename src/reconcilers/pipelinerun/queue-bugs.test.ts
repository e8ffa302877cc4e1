import { beforeEach, describe, expect, it } from 'vitest';
import type { ConcurrencyRule } from '../../api/config/config-concurrency.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone } from '../../core/condition.ts';
import { pipelineRun, settings, task } from '../../core/pipelinerun/simulation.fake.ts';
import { pipelineRunResource } from './children.ts';
import { World } from './world.fake.ts';

/**
 * What went wrong in another project's queue (tektoncd/pipelines-as-code#2890, #2948, #1679, #1810) does not here.
 * hack/decisions/0038 has the table.
 */
const rules = (limit: number): ConcurrencyRule[] => [{ name: 'all', key: [], limit, whenFull: 'queue' }];
const under = (limit: number | undefined) => ({
  ...settings,
  concurrency: limit === undefined ? [] : rules(limit),
});
const spec = { pipelineSpec: { tasks: [task('t')] } };
let world: World;

function add(name: string, second: number, more: { metadata?: object; spec?: object } = {}): void {
  const creationTimestamp = `2026-01-01T00:00:0${second}Z`;
  const metadata = { name, uid: `uid-${name}`, creationTimestamp, ...more.metadata };
  world.client.seed(pipelineRunResource, pipelineRun({ ...spec, ...more.spec }, metadata));
}

const all = async (): Promise<PipelineRun[]> => (await world.client.list(pipelineRunResource)).items;

async function running(): Promise<string[]> {
  const begun = (await all()).filter(({ status }) => status?.startTime !== undefined && !isDone(status));
  return begun.map(({ metadata }) => metadata.name ?? '').toSorted();
}

async function reconcile(...names: string[]): Promise<void> {
  for (const name of names) {
    await world.watch();
    await world.reconcile(name);
  }
  await world.watch();
}

const end = async (name: string) => {
  await world.finish(`${name}-t`);
  await reconcile(name);
};
const request = async (name: string, status: string) => {
  const run = await world.run(name);
  await world.client.replace(pipelineRunResource, { ...run, spec: { ...run.spec, status } });
};

/** The next write of a run's status comes to nothing, or is done and its answer is lost. */
function nextStatusWrite(fate: 'refused' | 'unanswered'): void {
  let spent = false;
  const { client } = world;
  if (fate === 'refused') {
    client.intercept = ({ verb, resource, subresource }) => {
      if (spent || verb === 'get' || !resource.startsWith('pipelineruns') || subresource !== 'status') return;
      spent = true;
      throw new Error('connection reset');
    };
    return;
  }
  const replaceStatus = client.replaceStatus.bind(client);
  client.replaceStatus = async (...args: Parameters<typeof replaceStatus>) => {
    const written = await replaceStatus(...args);
    if (spent || args[0].plural !== 'pipelineruns') return written as never;
    spent = true;
    throw new Error('timeout');
  };
}

beforeEach(() => {
  world = new World();
  world.settings = under(1);
});

describe('a start that fails', () => {
  beforeEach(async () => {
    ['a', 'b', 'c'].forEach((name, second) => add(name, second));
    await reconcile('a', 'b', 'c');
    await end('a');
  });

  it.each(['refused', 'unanswered'] as const)('%s: no other run takes the slot, and it starts', async (fate) => {
    nextStatusWrite(fate);
    await expect(reconcile('b')).rejects.toThrow();
    await reconcile('c');
    expect(await running()).toEqual(fate === 'refused' ? [] : ['b']);
    await reconcile('b', 'c');
    expect(await running()).toEqual(['b']);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['cancelled', () => request('b', 'Cancelled')],
    ['deleted', () => world.client.delete(pipelineRunResource, 'ns', 'b')],
  ])('refused, and the run is %s before it is tried again: its slot is free', async (_name, then) => {
    nextStatusWrite('refused');
    await expect(reconcile('b')).rejects.toThrow();
    await then();
    if ((await all()).some(({ metadata }) => metadata.name === 'b')) await reconcile('b');
    await reconcile('c');
    expect(await running()).toEqual(['c']);
  });
});

it('many at the same time: none is lost, none is let in too many', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
  world.settings = under(3);
  names.forEach((name, index) => add(name, index));
  await world.watch();
  await Promise.all(names.map((name) => world.reconcile(name)));
  await world.watch();
  expect((await running()).length).toBeLessThanOrEqual(3);
  await reconcile(...names);
  expect(await running()).toEqual(['r0', 'r1', 'r2']);
});

describe('no limit', () => {
  it('runs that are held back by their users are left alone', async () => {
    world.settings = under(undefined);
    add('held', 0, { spec: { status: 'PipelineRunPending' } });
    add('a', 1);
    await reconcile('held', 'a');
    expect(await running()).toEqual(['a']);
    expect(await world.condition('held')).toBe('Unknown PipelineRunPending');
  });

  it('any more: who waited begins', async () => {
    ['a', 'b', 'c'].forEach((name, second) => add(name, second));
    await reconcile('a', 'b', 'c');
    expect(await running()).toEqual(['a']);
    world.settings = under(undefined);
    await reconcile('b', 'c');
    expect(await running()).toEqual(['a', 'b', 'c']);
  });
});

it('runs that cannot be understood stand in nobody’s way, also after a restart', async () => {
  const limit = (value: string) => ({
    annotations: { 'tektite.dev/concurrency-limit': value, 'tektite.dev/concurrency-key': 'param:lane' },
  });
  world.settings = under(undefined);
  add('no-number', 0, { metadata: limit('three') });
  add('no-spec', 1, { metadata: limit('1'), spec: { pipelineSpec: undefined, params: null } });
  add('a', 2, { metadata: limit('1') });
  add('b', 3, { metadata: limit('1') });
  await reconcile('no-number', 'no-spec', 'a', 'b');
  expect(await running()).toEqual(['a']);
  await end('a');
  await reconcile('no-number', 'no-spec', 'b');
  expect(await running()).toEqual(['b']);
});

it('a limit that is lowered holds for those that wait, and one that is raised lets them in', async () => {
  world.settings = under(2);
  ['a', 'b', 'c', 'd'].forEach((name, second) => add(name, second));
  await reconcile('a', 'b', 'c', 'd');
  world.settings = under(1);
  await end('a');
  await reconcile('c', 'd');
  expect(await running()).toEqual(['b']);
  world.settings = under(3);
  await reconcile('c', 'd');
  expect(await running()).toEqual(['b', 'c', 'd']);
});

it('these tests see it when there is no limit', async () => {
  world.settings = under(undefined);
  ['a', 'b', 'c'].forEach((name, second) => add(name, second));
  await reconcile('a', 'b', 'c');
  expect(await running()).toEqual(['a', 'b', 'c']);
});
