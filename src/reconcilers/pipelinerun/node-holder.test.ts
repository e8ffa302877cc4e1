import { beforeEach, describe, expect, it } from 'vitest';
import { nodeHolderName } from '../../core/pipelinerun/node-holder.ts';
import { pipelineRun, settings, task } from '../../core/pipelinerun/simulation.fake.ts';
import type { FakeCall } from '../../kube/client.fake.ts';
import { ApiError } from '../../kube/client.ts';
import { pods } from '../../kube/resources.ts';
import { World } from './world.fake.ts';

const isolated = { ...settings, flags: { ...settings.flags, coschedule: 'isolate-pipelinerun' as const } };
const name = nodeHolderName(pipelineRun({}), isolated) ?? '';
let world: World;

beforeEach(async () => {
  world = new World();
  world.settings = isolated;
  await world.create({ pipelineSpec: { tasks: [task('only')] } });
  world.writes();
});

/** The API server's answer to what is done to the pod, so often. */
function answer(verb: FakeCall['verb'], error: Error, times = 1): void {
  let left = times;
  world.client.intercept = (call) => {
    if (call.verb === verb && call.key === `ns/${name}` && left-- > 0) throw error;
  };
}
const busy = new ApiError(503, { message: 'busy' });

describe('the pod that keeps a node for a run', () => {
  it('is there before the tasks are, and gone before the run is over', async () => {
    await world.reconcile();
    expect(world.writes().filter((write) => write.startsWith('create'))).toEqual([
      `create pods ${name}`,
      'create taskruns run-only',
    ]);
    await world.finish('run-only');
    world.writes();
    await world.reconcile();
    expect(world.writes()).toEqual([`delete pods ${name}`, 'update pipelineruns/status run']);
    expect(await world.condition()).toBe('True Succeeded');
  });

  it('no task starts without it', async () => {
    answer('create', busy);
    await expect(world.reconcile()).rejects.toThrow('that keeps a node for PipelineRun ns/run: busy');
    expect(world.writes().filter((write) => write.includes('taskruns'))).toEqual([]);
    await world.watch();
    await world.reconcile();
    expect(world.writes()).toContain('create taskruns run-only');
  });

  it('that may not be made ends the run', async () => {
    answer('create', new ApiError(403, { reason: 'Forbidden', message: 'violates PodSecurity' }));
    await world.reconcile();
    expect(await world.condition()).toBe('False ReasonCouldntCreateOrUpdateAffinityAssistantStatefulSet');
  });

  it('waits for quota', async () => {
    answer('create', new ApiError(403, { reason: 'Forbidden', message: 'exceeded quota: pods' }));
    await expect(world.reconcile()).rejects.toThrow('exceeded quota');
    expect(await world.condition()).not.toMatch(/^False/);
  });

  it('is its own after a crash, and waits for that of an earlier run of the name', async () => {
    const reference = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'run', controller: true };
    const of = (uid: string) => ({ metadata: { name, namespace: 'ns', ownerReferences: [{ ...reference, uid }] } });
    world.client.seed(pods, of('earlier'));
    await expect(world.reconcile()).rejects.toThrow("is not this run's");
    await world.client.delete(pods, 'ns', name);
    const own = (await world.run()).metadata.uid ?? '';
    world.client.seed(pods, of(own));
    await world.watch();
    await world.reconcile();
    expect(world.writes()).toContain('create taskruns run-only');
  });

  it('the run is not over while it cannot be taken away', async () => {
    await world.reconcile();
    await world.finish('run-only');
    answer('delete', busy);
    await expect(world.reconcile()).rejects.toThrow('busy');
    expect(await world.condition()).toMatch(/^Unknown/);
    await world.watch();
    await world.reconcile();
    expect(await world.condition()).toBe('True Succeeded');
  });
});
