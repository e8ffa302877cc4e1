import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { recordAnnotations, recorded } from '../digest/record.ts';
import { parseOrigin } from '../inheritance/record.ts';
import { runReference } from '../owner.ts';
import { factsOf, foundTask, plan, spec, type Given } from './given.fake.ts';

/** A TaskRun of an earlier PipelineRun that did its work, as the API server has it. */
function earlierTaskRun(given: Given = {}, change: (earlier: TaskRun) => TaskRun = (same) => same): TaskRun {
  const { podName: _gone, ...status } = plan(given).status;
  const { taskRun } = factsOf(given);
  const done = { type: 'Succeeded', status: 'True', reason: 'Succeeded' } as const;
  return change({
    ...taskRun,
    metadata: {
      ...taskRun.metadata,
      name: 'first-build',
      uid: 'uid-first-build',
      ownerReferences: [runReference('PipelineRun', { name: 'first', uid: 'uid-first' })],
    },
    status: {
      ...status,
      conditions: [done],
      steps: [{ name: 'one', container: 'step-one', imageID: 'x@sha256:1', terminated: { exitCode: 0 } }],
      results: [{ name: 'digest', type: 'string', value: 'sha256:abc' }],
    },
  });
}

const marked = { annotations: { 'tektite.dev/inherit-from': 'first-build uid-first' } };

describe('a TaskRun of a rerun', () => {
  it('has the results, steps and artifacts of the one that did the same, and no pod', () => {
    const earlier = earlierTaskRun();
    const { status, kinds, condition } = plan({ metadata: marked, earlier });
    expect(condition).toBe(
      'True Succeeded: TaskRun first-build of PipelineRun first did the same before: its results were taken over',
    );
    expect(kinds).toEqual(['patchMetadata', 'event Normal Started', 'event Normal Succeeded']);
    expect(status).toMatchObject({
      taskSpec: spec,
      results: earlier.status?.results,
      steps: earlier.status?.steps,
      startTime: '2026-01-01T00:00:10Z',
      completionTime: '2026-01-01T00:00:10Z',
    });
    expect(status.podName).toBeUndefined();
    expect(parseOrigin(recorded(status, 'inherited'))).toMatchObject({
      taskRun: 'first-build',
      uid: 'uid-first-build',
      pipelineRun: 'first',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    });
  });

  it.each(['steps', 'results', 'artifacts'] as const)('has no %s where the earlier one had none', (field) => {
    const artifacts = { outputs: [{ name: 'image' }] };
    const earlier = earlierTaskRun({}, (run) => ({ ...run, status: { ...run.status, artifacts } }));
    const { [field]: _none, ...status } = earlier.status ?? {};
    const taken = plan({ metadata: marked, earlier: { ...earlier, status } }).status;
    const fields = ['steps', 'results', 'artifacts'].filter((each) => each in taken);
    expect(fields).toEqual(['steps', 'results', 'artifacts'].filter((each) => each !== field));
  });

  it('of a rerun of a rerun names the one that ran', () => {
    const first = earlierTaskRun();
    const origin = recorded(plan({ metadata: marked, earlier: first }).status, 'inherited') ?? '';
    const second = earlierTaskRun({}, (run) => ({
      ...run,
      status: { ...run.status, annotations: { ...run.status?.annotations, [recordAnnotations.inherited]: origin } },
    }));
    const { status } = plan({ metadata: marked, earlier: second });
    expect(recorded(status, 'inherited')).toBe(origin);
  });

  it('compares the Task that a reference means now with the one that ran', () => {
    const task = foundTask(spec);
    const earlier = earlierTaskRun({ task });
    expect(plan({ task, metadata: marked, earlier }).kinds).not.toContain('createPod');
    const changed = foundTask({ steps: [{ name: 'one', image: 'x:2', command: ['y'] }] });
    expect(plan({ task: changed, metadata: marked, earlier }).kinds).toContain('createPod');
  });

  const params = [
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ];
  it('takes the order of params for the same', () => {
    const earlier = earlierTaskRun({ spec: { params: params.toReversed() } });
    expect(plan({ metadata: marked, spec: { params }, earlier }).kinds).not.toContain('createPod');
  });

  it('does not mind how long it may take, how often, or which group its pod belongs to', () => {
    const affinity = (group: string) => ({ podAffinity: { group }, nodeAffinity: { arch: 'arm64' } });
    const earlier = earlierTaskRun({ spec: { timeout: '1h', retries: 2, podTemplate: { affinity: affinity('a') } } });
    const again = { timeout: '2h', podTemplate: { affinity: affinity('b') } };
    expect(plan({ metadata: marked, spec: again, earlier }).kinds).not.toContain('createPod');
  });

  const rows: { name: string; given?: Given; earlier: TaskRun | undefined; why: string }[] = [
    { name: 'the earlier one is gone', earlier: undefined, why: 'TaskRun first-build is not there any more' },
    {
      name: 'it belongs to another PipelineRun',
      earlier: earlierTaskRun({}, (run) => ({
        ...run,
        metadata: { ...run.metadata, ownerReferences: [runReference('PipelineRun', { name: 'first', uid: 'other' })] },
      })),
      why: 'TaskRun first-build is not of the earlier PipelineRun',
    },
    {
      name: 'its spec was changed since',
      earlier: earlierTaskRun({}, (run) => ({ ...run, spec: { ...run.spec, serviceAccountName: 'forged' } })),
      why: 'TaskRun first-build is not as it was run: spec.serviceAccountName',
    },
    {
      name: 'its Task in the status was changed since',
      earlier: earlierTaskRun({}, (run) => ({ ...run, status: { ...run.status, taskSpec: { steps: [] } } })),
      why: 'TaskRun first-build is not as it was run: status.taskSpec.steps',
    },
    {
      name: 'nobody recorded it',
      earlier: earlierTaskRun({}, ({ status: { annotations: _none, ...status } = {}, ...run }) => ({ ...run, status })),
      why: 'TaskRun first-build was run by a controller that keeps no record',
    },
    {
      name: 'a param differs',
      given: { spec: { params: [{ name: 'a', value: '2' }] } },
      earlier: earlierTaskRun({ spec: { params: [{ name: 'a', value: '1' }] } }),
      why: 'spec.params differ from those of TaskRun first-build',
    },
    {
      name: 'it runs as somebody else',
      given: { spec: { serviceAccountName: 'robot' } },
      earlier: earlierTaskRun(),
      why: 'spec.serviceAccountName differ from those of TaskRun first-build',
    },
    {
      name: 'it asks for other nodes',
      given: { spec: { podTemplate: { nodeSelector: { arch: 'arm64' } } } },
      earlier: earlierTaskRun(),
      why: 'spec.podTemplate differ from those of TaskRun first-build',
    },
    {
      name: 'a workspace is another volume',
      given: {
        taskSpec: { ...spec, workspaces: [{ name: 'w' }] },
        spec: { workspaces: [{ name: 'w', persistentVolumeClaim: { claimName: 'new' } }] },
      },
      earlier: earlierTaskRun({
        taskSpec: { ...spec, workspaces: [{ name: 'w' }] },
        spec: { workspaces: [{ name: 'w', persistentVolumeClaim: { claimName: 'old' } }] },
      }),
      why: 'spec.workspaces differ from those of TaskRun first-build',
    },
    {
      name: 'SPIRE signs results',
      given: { flags: { 'enforce-nonfalsifiability': 'spire' } },
      earlier: earlierTaskRun(),
      why: 'enforce-nonfalsifiability is set',
    },
  ];
  it.each(rows)('runs again, and says why, when $name', ({ given, earlier, why }) => {
    const { kinds, effects } = plan({ ...given, metadata: marked, earlier });
    const messages = effects.flatMap((effect) => (effect.type === 'event' ? [effect.message] : []));
    expect({ kinds, messages }).toMatchObject({
      kinds: expect.arrayContaining(['createPod', 'event Normal NotTakenOver']) as string[],
      messages: expect.arrayContaining([`The task runs again: ${why}`]) as string[],
    });
  });

  it('runs again without a word when the earlier one failed: that is why there is a rerun', () => {
    const earlier = earlierTaskRun({}, (run) => ({
      ...run,
      status: { ...run.status, conditions: [{ type: 'Succeeded', status: 'False', reason: 'Failed' }] },
    }));
    const { kinds } = plan({ metadata: marked, earlier });
    expect(kinds).toContain('createPod');
    expect(kinds.join()).not.toContain('NotTakenOver');
  });

  it('names an annotation that means nothing', () => {
    const { effects } = plan({ metadata: { annotations: { 'tektite.dev/inherit-from': 'x' } } });
    expect(JSON.stringify(effects)).toContain('metadata.annotations[tektite.dev/inherit-from]');
  });

  it('asks nobody once its Task is stored, nor for another attempt', () => {
    const status = { startTime: '2026-01-01T00:00:09Z', taskSpec: spec };
    expect(plan({ metadata: marked, earlier: earlierTaskRun(), status }).kinds).toContain('createPod');
  });
});
