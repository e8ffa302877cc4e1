import { describe, expect, it } from 'vitest';
import { messageOf, stateOf, type ToldKind, type ToldRun } from './event.ts';

const run = (condition?: { status: string; reason?: string; message?: string }, uid = 'u1'): ToldRun =>
  ({
    apiVersion: 'tekton.dev/v1',
    metadata: { name: 'build', namespace: 'ci', uid, managedFields: [{}] },
    spec: { serviceAccountName: 'builder' },
    ...(condition ? { status: { conditions: [{ type: 'Succeeded', ...condition }] } } : {}),
  }) as ToldRun;

describe('types of events', () => {
  it.each<[ToldKind, { status: string; reason?: string } | undefined, string, boolean]>([
    ['TaskRun', undefined, 'dev.tekton.event.taskrun.queued.v1', false],
    ['TaskRun', { status: 'Unknown', reason: 'Started' }, 'dev.tekton.event.taskrun.started.v1', false],
    ['TaskRun', { status: 'Unknown', reason: 'Running' }, 'dev.tekton.event.taskrun.running.v1', false],
    ['TaskRun', { status: 'Unknown', reason: 'Pending' }, 'dev.tekton.event.taskrun.unknown.v1', false],
    ['TaskRun', { status: 'Unknown', reason: 'ToBeRetried' }, 'dev.tekton.event.taskrun.unknown.v1', false],
    ['TaskRun', { status: 'True', reason: 'Succeeded' }, 'dev.tekton.event.taskrun.successful.v1', true],
    ['TaskRun', { status: 'False', reason: 'StepFailed' }, 'dev.tekton.event.taskrun.failed.v1', true],
    ['PipelineRun', undefined, 'dev.tekton.event.pipelinerun.queued.v1', false],
    ['PipelineRun', { status: 'Unknown', reason: 'Started' }, 'dev.tekton.event.pipelinerun.started.v1', false],
    ['PipelineRun', { status: 'Unknown', reason: 'Running' }, 'dev.tekton.event.pipelinerun.running.v1', false],
    [
      'PipelineRun',
      { status: 'Unknown', reason: 'PipelineRunPending' },
      'dev.tekton.event.pipelinerun.unknown.v1',
      false,
    ],
    ['PipelineRun', { status: 'True', reason: 'Completed' }, 'dev.tekton.event.pipelinerun.successful.v1', true],
    ['PipelineRun', { status: 'False', reason: 'Cancelled' }, 'dev.tekton.event.pipelinerun.failed.v1', true],
    ['CustomRun', undefined, 'dev.tekton.event.customrun.started.v1', false],
    ['CustomRun', { status: 'Unknown', reason: 'Whatever' }, 'dev.tekton.event.customrun.running.v1', false],
    ['CustomRun', { status: 'True' }, 'dev.tekton.event.customrun.successful.v1', true],
    ['CustomRun', { status: 'False' }, 'dev.tekton.event.customrun.failed.v1', true],
  ])('%s %o: %s', (kind, condition, type, isEnd) => {
    expect(stateOf(kind, run(condition))).toMatchObject({ type, isEnd });
  });

  it('of a condition that is none there is no event', () => {
    expect(stateOf('TaskRun', run({ status: 'Maybe' }))).toBeUndefined();
  });
});

describe('the id of an event', () => {
  const id = (...args: Parameters<typeof run>) => stateOf('TaskRun', run(...args))?.id;
  const pending = (message: string) => ({ status: 'Unknown', reason: 'Pending', message });
  const running = (message: string) => ({ status: 'Unknown', reason: 'Running', message });

  it('is that of a state, whoever tells it', () => {
    expect(id(pending('a'))).toBe(id(pending('a')));
    expect(id(pending('a'))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each([
    ['another message while it waits', id(pending('a')), id(pending('b'))],
    ['another stage', id(pending('a')), id(running('a'))],
    ['another run of that name', id(running('a')), id(running('a'), 'u2')],
  ])('is another for %s', (_name, one, other) => {
    expect(one).not.toBe(other);
  });

  it('is the same for each message while it runs: that is told once', () => {
    expect(id(running('Completed: 1'))).toBe(id(running('Completed: 2')));
  });
});

describe('the request', () => {
  const time = new Date('2026-01-02T03:04:05.678Z');
  const message = (kind: ToldKind, told = run({ status: 'True', reason: 'Succeeded' })) => {
    const state = stateOf(kind, told);
    if (!state) throw new Error('no state');
    const { headers, body } = messageOf(kind, state, time, told);
    return { headers, data: JSON.parse(body) as unknown, id: state.id };
  };

  it('is a CloudEvent 1.0 in binary mode, with the run in v1beta1 as its data', () => {
    const { headers, data, id } = message('TaskRun');
    expect(headers).toEqual({
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-type': 'dev.tekton.event.taskrun.successful.v1',
      'ce-source': '/apis/tekton.dev/v1/namespaces/ci/TaskRun/build',
      'ce-subject': 'build',
      'ce-time': '2026-01-02T03:04:05.678Z',
    });
    expect(data).toEqual({
      taskRun: {
        apiVersion: 'tekton.dev/v1beta1',
        kind: 'TaskRun',
        metadata: { name: 'build', namespace: 'ci', uid: 'u1' },
        spec: { serviceAccountName: 'builder' },
        status: { conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }] },
      },
    });
  });

  it('has a PipelineRun in the shape of v1beta1', () => {
    const given = run({ status: 'True' });
    const told = { ...given, spec: { taskRunTemplate: { serviceAccountName: 'builder' } } } as ToldRun;
    expect(message('PipelineRun', told).data).toMatchObject({
      pipelineRun: { apiVersion: 'tekton.dev/v1beta1', kind: 'PipelineRun', spec: { serviceAccountName: 'builder' } },
    });
  });

  it('has a CustomRun as it is', () => {
    const { headers, data } = message('CustomRun');
    expect(headers['ce-source']).toBe('/apis/tekton.dev/v1beta1/namespaces/ci/CustomRun/build');
    expect(data).toMatchObject({ customRun: { apiVersion: 'tekton.dev/v1beta1', kind: 'CustomRun' } });
  });
});
