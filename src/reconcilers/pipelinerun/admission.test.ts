import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConcurrencyRule } from '../../api/config/config-concurrency.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone } from '../../core/condition.ts';
import { parseSlots, slotsAnnotation } from '../../core/queue/slots.ts';
import { pipelineRun, settings, task } from '../../core/pipelinerun/simulation.fake.ts';
import { ApiError } from '../../kube/client.ts';
import { leases } from '../../kube/resources.ts';
import { pipelineRunResource } from './children.ts';
import { nextInLine } from './admission.ts';
import { World } from './world.fake.ts';

const rules = (limit: number, more: Partial<ConcurrencyRule> = {}): ConcurrencyRule[] => [
  { name: 'all', key: [], limit, whenFull: 'queue', ...more },
];
const spec = { pipelineSpec: { tasks: [task('t')] } };
let world: World;

beforeEach(() => {
  world = new World();
  world.settings = { ...settings, concurrency: rules(1) };
});

function add(name: string, second: number, more: Partial<PipelineRun['metadata']> = {}): void {
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace('.000', '');
  world.client.seed(pipelineRunResource, pipelineRun(spec, { name, uid: `uid-${name}`, creationTimestamp, ...more }));
}

async function all(): Promise<PipelineRun[]> {
  return (await world.client.list(pipelineRunResource)).items;
}

/** Those that have begun and not ended, as the API server has them. */
async function running(): Promise<string[]> {
  const begun = (await all()).filter(({ status }) => status?.startTime !== undefined && !isDone(status));
  return begun.map(({ metadata }) => metadata.name ?? '').toSorted();
}

async function reconcileAll(): Promise<void> {
  for (const { metadata } of await all()) {
    await world.watch();
    await world.reconcile(metadata.name);
  }
  await world.watch();
}

const message = async (name: string) => (await world.run(name)).status?.conditions?.[0]?.message;

describe('a queue with one slot', () => {
  beforeEach(async () => {
    ['a', 'b', 'c'].forEach((name, index) => add(name, index));
    await reconcileAll();
  });

  it('lets the first in and tells the others their place', async () => {
    expect(await running()).toEqual(['a']);
    expect(await world.condition('b')).toBe('Unknown PipelineRunPending');
    expect(await message('b')).toBe(
      'PipelineRun "b" is pending: place 1 of 2 in the queue of rule "all" (namespace=ns), limit 1; running: a',
    );
    expect(await message('c')).toContain('place 2 of 2');
    expect(world.stores.taskRuns.list().map(({ metadata }) => metadata.name)).toEqual(['a-t']);
  });

  it('lets the next in when one has ended, in order', async () => {
    expect(nextInLine('ns', { pipelineRuns: world.stores.pipelineRuns, rules: rules(1) })).toEqual(['ns/b']);
    for (const [first, next] of [
      ['a', 'b'],
      ['b', 'c'],
    ]) {
      await world.finish(`${first}-t`);
      await reconcileAll();
      expect(await running()).toEqual([next]);
    }
  });

  it('gives the slot of a run that is gone to the next, and not before', async () => {
    world.stores.pipelineRuns.replace(
      world.stores.pipelineRuns.list().filter(({ metadata }) => metadata.name !== 'a'),
      '1000',
    );
    await world.reconcile('b');
    expect(await running(), 'the cache may only be too old').toEqual(['a']);
    await world.client.delete(pipelineRunResource, 'ns', 'a');
    await world.watch();
    await world.reconcile('b');
    expect(await running()).toEqual(['b']);
  });

  it('looks again by itself, and meets a limit that was raised', async () => {
    world.settings = { ...settings, concurrency: rules(3) };
    expect(await world.reconcile('c')).toMatchObject({ kind: 'requeueAfter' });
    await reconcileAll();
    expect(await running()).toEqual(['a', 'b', 'c']);
  });

  it('lets nobody in who is cancelled while he waits, and lets go of his place', async () => {
    const b = await world.run('b');
    await world.client.replace(pipelineRunResource, { ...b, spec: { ...b.spec, status: 'Cancelled' } });
    await world.watch();
    await reconcileAll();
    expect(await world.condition('b')).toBe('False Cancelled');
    expect(await message('c')).toContain('place 1 of 1');
    expect(world.stores.taskRuns.list()).toHaveLength(1);
  });

  it('is closed while its slots cannot be read', async () => {
    await world.finish('a-t');
    await world.reconcile('a');
    await world.watch();
    world.client.intercept = ({ resource }) => {
      if (resource === 'leases') throw new ApiError(503, { message: 'busy' });
    };
    expect(await world.reconcile('b')).toMatchObject({ kind: 'requeueAfter' });
    expect(await message('b')).toContain('cannot be found out: busy; it will be tried again');
    world.client.intercept = undefined;
    await world.reconcile('b');
    expect(await running()).toEqual(['b']);
  });

  it('keeps the slot of a run whose start could not be written', async () => {
    await world.finish('a-t');
    await world.reconcile('a');
    await world.watch();
    let killed = false;
    world.client.intercept = ({ resource, subresource, verb }) => {
      if (verb === 'get' || resource === 'leases' || killed) return;
      if (resource.startsWith('pipelineruns') || subresource) {
        killed = true;
        throw new Error('killed');
      }
    };
    await expect(world.reconcile('b')).rejects.toThrow('killed');
    await world.watch();
    await world.reconcile('c');
    expect(await running()).toEqual([]);
    await world.reconcile('b');
    expect(await running()).toEqual(['b']);
  });
});

it('what began before there was a rule counts', async () => {
  world.settings = settings;
  add('a', 0);
  await reconcileAll();
  world.settings = { ...settings, concurrency: rules(1) };
  add('b', 1);
  await reconcileAll();
  expect(await running()).toEqual(['a']);
});

it.each<[ConcurrencyRule['whenFull'], string[]]>([
  ['queue', ['a:', 'b:', 'c:']],
  ['replace-waiting', ['a:', 'b:Cancelled', 'c:']],
  ['cancel-running', ['a:CancelledRunFinally', 'b:Cancelled', 'c:']],
])('a newcomer: %s', async (whenFull, expected) => {
  world.settings = { ...settings, concurrency: rules(1, { whenFull }) };
  add('a', 0);
  await reconcileAll();
  add('b', 1);
  add('c', 2);
  await world.watch();
  await world.reconcile('c');
  expect((await all()).map(({ metadata, spec: { status = '' } }) => `${metadata.name}:${status}`)).toEqual(expected);
});

it('an owner reference alone gets nobody past the queue', async () => {
  add('a', 0);
  await reconcileAll();
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'a', uid: 'uid-a', controller: true };
  add('b', 1, { ownerReferences: [owner] });
  await reconcileAll();
  expect(await running()).toEqual(['a']);
});

it('whoever reconciles what with however old a cache, the limit holds and every run ends', async () => {
  const names = ['r0', 'r1', 'r2', 'r3'];
  const step = fc.record({ run: fc.nat(3), stale: fc.boolean(), dies: fc.boolean(), ends: fc.boolean() });
  const steps = fc.array(step, { minLength: 6, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 2 }), async (given, limit) => {
      world = new World();
      world.settings = { ...settings, concurrency: rules(limit) };
      names.forEach((name, index) => add(name, index));
      await world.watch();
      const take = async (name: string, dies: boolean) => {
        let writes = 0;
        world.client.intercept = ({ verb }) => {
          if (dies && verb !== 'get' && verb !== 'list' && writes++ === 1) throw new Error('killed');
        };
        await world.reconcile(name).catch(() => undefined);
        world.client.intercept = undefined;
        expect((await running()).length).toBeLessThanOrEqual(limit);
      };
      for (const { run, stale, dies, ends } of given) {
        if (ends) await world.finish(`r${run}-t`).catch(() => undefined);
        else if (!stale) await world.watch();
        await take(`r${run}`, dies);
      }
      for (let round = 0; round < names.length; round++)
        for (const name of names) {
          await world.watch();
          await take(name, false);
          if ((await world.finish(`${name}-t`).catch(() => 'none')) !== 'none') await take(name, false);
        }
      await world.watch();
      for (const name of names) await take(name, false);
      expect(
        (await all()).every(({ status }) => isDone(status)),
        'every run ends',
      ).toBe(true);
    }),
    { numRuns: 12 },
  );
});

it('what has ended is not kept in the slots', async () => {
  for (let index = 0; index < 5; index++) {
    add(`r${index}`, index);
    await reconcileAll();
    await world.finish(`r${index}-t`);
    await reconcileAll();
  }
  const [lease] = (await world.client.list(leases)).items;
  const slots = parseSlots(lease?.metadata.annotations?.[slotsAnnotation]);
  expect([...slots.values()].flat().map(({ name }) => name)).toEqual(['r4']);
});

describe('the slots of other queues', () => {
  const kept = async (): Promise<string[]> => {
    const [lease, ...more] = (await world.client.list(leases)).items;
    expect(more, 'one object for the namespace').toEqual([]);
    const slots = parseSlots(lease?.metadata.annotations?.[slotsAnnotation]);
    return [...slots.values()].flat().map(({ name }) => name);
  };
  /** A run in a queue of its own. */
  const apart = (name: string, second: number) => add(name, second, { labels: { lane: name.repeat(20_000) } });

  beforeEach(async () => {
    world.settings = { ...settings, concurrency: rules(1, { key: ['label:lane'] }) };
    ['a', 'b', 'c'].forEach(apart);
    await reconcileAll();
  });

  it('are kept beside, whatever is in their keys', async () => {
    expect(await kept()).toEqual(['a', 'b', 'c']);
    expect((await world.client.list(leases)).items[0]?.metadata.name).toBe('tektite-queues-ns');
    expect(JSON.stringify((await world.client.list(leases)).items).length).toBeLessThan(1_000);
  });

  it('are given back by runs that have ended and runs that were deleted', async () => {
    await world.finish('a-t');
    await world.client.delete(pipelineRunResource, 'ns', 'b');
    apart('d', 4);
    await reconcileAll();
    expect(await kept()).toEqual(['c', 'd']);
  });

  it('stay while the cache only lacks them', async () => {
    apart('d', 4);
    await world.watch();
    const all = world.stores.pipelineRuns.list();
    world.stores.pipelineRuns.replace(
      all.filter(({ metadata }) => metadata.name !== 'a'),
      '1000',
    );
    await world.reconcile('d');
    expect(await kept()).toEqual(['a', 'b', 'c', 'd']);
  });
});
