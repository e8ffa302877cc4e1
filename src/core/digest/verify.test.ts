import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { podOf, taskRunOf } from '../pod/pod.fake.ts';
import { pipelineRun, Simulation, task } from '../pipelinerun/simulation.fake.ts';
import { withPodRecord, withSpecRecords } from '../taskrun/record.ts';
import { settingsOf } from '../pod/pod.fake.ts';
import { recordAnnotations, type RecordVerdict } from './record.ts';
import { tamperings } from './tamper.fake.ts';
import { verifyPipelineRunRecord, verifyTaskRunRecord } from './verify.ts';

const taskSpec = { steps: [{ name: 'one', image: 'golang', script: 'go build ./...'.repeat(10) }] };
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** A TaskRun as the controller leaves it: recorded, with a pod. */
function recordedRun(): TaskRun {
  const run = taskRunOf({ taskSpec, params: [{ name: 'ref', value: 'main' }], timeout: '1h' });
  const facts = {
    taskRun: run,
    task: { kind: 'resolved' as const, name: 'run', spec: taskSpec },
    pods: [],
    settings: settingsOf(),
  };
  const status = withSpecRecords(facts.taskRun, { taskSpec, podName: 'run-pod', startTime: '2026-01-01T00:00:00Z' });
  const pod = podOf(taskSpec);
  return asJson({ ...run, status: withPodRecord(status, pod, pod) });
}

const fieldsOf = (verdict: RecordVerdict) =>
  verdict.kind === 'changed' ? verdict.problems.map(({ field }) => field) : verdict.kind;

function annotated(run: TaskRun, name: keyof typeof recordAnnotations, value: string | undefined): TaskRun {
  const { [recordAnnotations[name]]: _old, ...rest } = run.status?.annotations ?? {};
  const annotations = value === undefined ? rest : { ...rest, [recordAnnotations[name]]: value };
  return { ...run, status: { ...run.status, annotations } };
}

describe('a TaskRun', () => {
  const run = recordedRun();

  it.each<[string, TaskRun, ReturnType<typeof fieldsOf>]>([
    ['as it was recorded', run, 'sound'],
    ['cancelled', { ...run, spec: { ...run.spec, status: 'TaskRunCancelled', statusMessage: 'm' } }, 'sound'],
    ['relabelled', { ...run, metadata: { ...run.metadata, labels: { team: 'blue' } } }, 'sound'],
    ['never recorded', { ...run, status: { taskSpec } }, 'unrecorded'],
    ['without a status', taskRunOf({ taskSpec }), 'unrecorded'],
    [
      'with another param',
      { ...run, spec: { ...run.spec, params: [{ name: 'ref', value: 'evil' }] } },
      ['spec.params'],
    ],
    [
      'with another account and timeout',
      { ...run, spec: { ...run.spec, serviceAccountName: 'admin', timeout: '2h' } },
      ['spec.serviceAccountName', 'spec.timeout'],
    ],
    ['with another Task in its status', { ...run, status: { ...run.status, taskSpec: {} } }, ['status.taskSpec.steps']],
    ['without its Task', { ...run, status: { ...run.status, taskSpec: undefined } }, ['status.taskSpec']],
    ['whose Task was not recorded', annotated(run, 'resolvedSpec', undefined), ['status.taskSpec']],
    ['whose pod was not recorded', annotated(run, 'pod', undefined), ['status.podName']],
    ['whose records cannot be read', annotated(annotated(run, 'pod', '{}'), 'spec', '{'), ['spec', 'status.podName']],
    [
      'under which something was changed',
      annotated(run, 'violations', 'pod run-pod spec.containers[step-one].image: is not as the pod was created'),
      ['pod run-pod spec.containers[step-one].image'],
    ],
  ])('%s', (_name, given, expected) => expect(fieldsOf(verifyTaskRunRecord(given))).toEqual(expected));

  it('every single change of its spec or of the Task as run is found', () => {
    for (const { path, value } of tamperings(run.spec))
      expect(verifyTaskRunRecord({ ...run, spec: value as TaskRun['spec'] }).kind, `spec${path}`).toBe('changed');
    for (const { path, value } of tamperings(run.status?.taskSpec)) {
      const status = { ...run.status, taskSpec: value as object };
      expect(verifyTaskRunRecord({ ...run, status }).kind, `status.taskSpec${path}`).toBe('changed');
    }
  });
});

describe('a PipelineRun', () => {
  const simulation = new Simulation(
    pipelineRun({ pipelineSpec: { tasks: [task('a'), task('b')] }, params: [{ name: 'ref', value: 'main' }] }),
  );
  simulation.step();
  const run = asJson(simulation.run);
  const made = asJson([...simulation.taskRuns.values()]);
  const [first, second] = made as [TaskRun, TaskRun];
  const changed = (change: (child: TaskRun) => TaskRun) => [change(asJson(first)), second];

  it.each<[string, PipelineRun, TaskRun[], ReturnType<typeof fieldsOf>]>([
    ['as it was recorded', run, made, 'sound'],
    ['one child pruned', run, [second], 'sound'],
    ['never recorded', { ...run, status: {} }, made, 'unrecorded'],
    ['another param', { ...run, spec: { ...run.spec, params: [] } }, made, ['spec.params']],
    [
      'another pipeline in its status',
      { ...run, status: { ...run.status, pipelineSpec: {} } },
      made,
      ['status.pipelineSpec.tasks'],
    ],
    [
      'a reference to a TaskRun that it did not make',
      {
        ...run,
        status: {
          ...run.status,
          childReferences: [...(run.status?.childReferences ?? []), { name: 'forged', pipelineTaskName: 'a' }],
        },
      },
      made,
      ['TaskRun forged'],
    ],
    ['a child nobody refers to', run, [...made, taskRunOf({}, undefined, { name: 'other' })], ['TaskRun other']],
    [
      'a child made anew under its name',
      run,
      changed((child) => ({ ...child, metadata: { ...child.metadata, uid: 'made-by-attacker' } })),
      ['TaskRun run-a metadata.uid'],
    ],
    [
      'a record of its children that cannot be read',
      {
        ...run,
        status: { ...run.status, annotations: { ...run.status?.annotations, [recordAnnotations.children]: 'run-a' } },
      },
      made,
      ['status.childReferences'],
    ],
    [
      'a child without owner',
      run,
      changed(({ metadata: { ownerReferences: _owners, ...metadata }, ...child }) => ({ ...child, metadata })),
      ['TaskRun run-a metadata.ownerReferences'],
    ],
    [
      'a child with the label of another task',
      run,
      changed((child) => ({
        ...child,
        metadata: { ...child.metadata, labels: { ...child.metadata.labels, 'tekton.dev/pipelineTask': 'b' } },
      })),
      ['TaskRun run-a metadata.labels[tekton.dev/pipelineTask]'],
    ],
    [
      'a child with another spec',
      run,
      changed((child) => ({ ...child, spec: { ...child.spec, params: [{ name: 'x', value: 'y' }] } })),
      ['TaskRun run-a spec'],
    ],
    [
      'a child that was cancelled',
      run,
      changed((child) => ({ ...child, spec: { ...child.spec, status: 'TaskRunCancelled' } })),
      'sound',
    ],
    [
      'a child whose status no recording controller wrote',
      run,
      changed((child) => ({ ...child, status: { results: [{ name: 'r', value: 'forged' }] } })),
      ['TaskRun run-a status'],
    ],
  ])('%s', (_name, given, children, expected) =>
    expect(fieldsOf(verifyPipelineRunRecord(given, children))).toEqual(expected),
  );

  it('says once and in words what is not as it was', () => {
    const relabelled = changed((child) => ({ ...child, metadata: { ...child.metadata, labels: {} } }));
    const { [recordAnnotations.resolvedSpec]: _spec, ...annotations } = run.status?.annotations ?? {};
    const verdict = verifyPipelineRunRecord({ ...run, status: { ...run.status, annotations } }, relabelled);
    expect(verdict).toEqual({
      kind: 'changed',
      problems: [
        { field: 'status.pipelineSpec', message: 'the controller did not record it' },
        {
          field: 'TaskRun run-a metadata.labels[tekton.dev/pipelineTask]',
          message: 'is not the pipeline task that it was made for, a',
        },
      ],
    });
  });

  it('every single change of its spec, pipeline or a child is found', () => {
    for (const { path, value } of tamperings(run.spec))
      expect(verifyPipelineRunRecord({ ...run, spec: value as PipelineRun['spec'] }, made).kind, path).toBe('changed');
    for (const { path, value } of tamperings(first.spec)) {
      const children = [{ ...first, spec: value as TaskRun['spec'] }, second];
      expect(verifyPipelineRunRecord(run, children).kind, path).toBe('changed');
    }
  });
});
