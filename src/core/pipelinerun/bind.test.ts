import { describe, expect, it } from 'vitest';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { bindPipeline } from './bind.ts';
import { pipelineRun } from './simulation.fake.ts';

const run = pipelineRun({
  pipelineRef: { name: 'pipe' },
  params: [
    { name: 'text', value: 'T' },
    { name: 'list', value: ['x', 'y'] },
    { name: 'obj', value: { k: 'v' } },
    { name: 'text.more', value: 'dotted' },
  ],
  workspaces: [{ name: 'data', emptyDir: {} }],
});
const bind = (task: PipelineTask, spec: PipelineSpec = {}) =>
  bindPipeline(run, 'pipe', {
    params: [{ name: 'more', default: '$(params.text)!' }],
    workspaces: [{ name: 'data' }, { name: 'none', optional: true }],
    ...spec,
    tasks: [task],
  }).tasks?.[0];

describe('bindPipeline', () => {
  it.each<[string, PipelineTask, PipelineTask]>([
    [
      'params, keeping types',
      {
        params: [
          { name: 'p', value: '$(params.text) $(params["more"])' },
          { name: 'q', value: '$(params.list[*])' },
          { name: 'r', value: '$(params.obj[*])' },
        ],
      },
      {
        params: [
          { name: 'p', value: 'T T!' },
          { name: 'q', value: ['x', 'y'] },
          { name: 'r', value: { k: 'v' } },
        ],
      },
    ],
    [
      'guards',
      { when: [{ input: '$(params.text)', operator: 'in', values: ['$(params.list[*])', '$(params.list[1])'] }] },
      { when: [{ input: 'T', operator: 'in', values: ['x', 'y', 'y'] }] },
    ],
    [
      'matrix',
      {
        matrix: {
          params: [{ name: 'm', value: '$(params.list[*])' }],
          include: [{ name: 'i', params: [{ name: 'q', value: '$(params.obj.k)' }] }],
        },
      },
      {
        matrix: {
          params: [{ name: 'm', value: ['x', 'y'] }],
          include: [{ name: 'i', params: [{ name: 'q', value: 'v' }] }],
        },
      },
    ],
    [
      'reference, names, subPath, onError',
      {
        taskRef: { name: '$(params.text)' },
        displayName: '$(params.text)',
        onError: '$(params.text)',
        workspaces: [{ name: 'w', subPath: '$(params.text)' }],
      },
      { taskRef: { name: 'T' }, displayName: 'T', onError: 'T', workspaces: [{ name: 'w', subPath: 'T' }] },
    ],
    [
      'context and bound workspaces',
      {
        params: [
          {
            name: 'p',
            value:
              '$(context.pipeline.name) $(context.pipelineRun.name) $(context.pipelineRun.namespace) $(context.pipelineRun.uid) $(workspaces.data.bound) $(workspaces.none.bound)',
          },
        ],
      },
      { params: [{ name: 'p', value: 'pipe run ns uid-run true false' }] },
    ],
    [
      'what is not known yet stays',
      {
        params: [
          {
            name: 'p',
            value: '$(tasks.a.results.r) $(tasks.status) $(context.pipelineTask.retries) $(params.unknown)',
          },
        ],
      },
      {
        params: [
          {
            name: 'p',
            value: '$(tasks.a.results.r) $(tasks.status) $(context.pipelineTask.retries) $(params.unknown)',
          },
        ],
      },
    ],
    [
      'a value is not replaced twice',
      { params: [{ name: 'p', value: '$(params.tricky)' }] },
      { params: [{ name: 'p', value: '$(params.text)' }] },
    ],
  ])('%s', (_name, task, expected) => {
    const tricky = {
      ...run,
      spec: { ...run.spec, params: [...(run.spec.params ?? []), { name: 'tricky', value: '$(params.text)' }] },
    };
    expect(
      bindPipeline(tricky, 'pipe', {
        params: [{ name: 'more', default: '$(params.text)!' }],
        workspaces: [{ name: 'data' }, { name: 'none', optional: true }],
        tasks: [task],
      }).tasks?.[0],
    ).toEqual(expected);
  });

  const script = 'echo $(params.text) $(params.obj.k) $(params.node) $(workspaces.data.path)';
  const scriptOf = (task: PipelineTask | undefined) => task?.taskSpec?.steps?.[0]?.script;
  it.each<[string, PipelineTask, string]>([
    ["the run's params", { taskSpec: { steps: [{ script }] } }, 'echo T v $(params.node) $(workspaces.data.path)'],
    [
      "the pipeline task's param of the same name wins",
      { params: [{ name: 'text', value: 'inner $(params.text)' }], taskSpec: { steps: [{ script }] } },
      'echo inner T v $(params.node) $(workspaces.data.path)',
    ],
    [
      "keys that its object leaves out are the run's",
      {
        params: [{ name: 'obj', value: { other: 'inner' } }],
        taskSpec: { steps: [{ script: '$(params.obj.k) $(params.obj.other)' }] },
      },
      'v inner',
    ],
    [
      'its text in the place of an object has no keys',
      { params: [{ name: 'obj', value: 'flat' }], taskSpec: { steps: [{ script: '$(params.obj) $(params.obj.k)' }] } },
      'flat $(params.obj.k)',
    ],
    [
      'a param whose name goes on after a dot is another one',
      {
        params: [{ name: 'text', value: 'inner' }],
        taskSpec: { steps: [{ script: '$(params.text) $(params.text.more)' }] },
      },
      'inner dotted',
    ],
    [
      'its object wins by key',
      { params: [{ name: 'obj', value: { k: 'inner' } }], taskSpec: { steps: [{ script }] } },
      'echo T inner $(params.node) $(workspaces.data.path)',
    ],
    [
      'a fanned-out param is left to each TaskRun',
      { matrix: { params: [{ name: 'text', value: ['1', '2'] }] }, taskSpec: { steps: [{ script }] } },
      'echo $(params.text) v $(params.node) $(workspaces.data.path)',
    ],
    [
      'a value of the run wins over the default of the embedded spec',
      { taskSpec: { params: [{ name: 'text', default: 'd' }], steps: [{ script }] } },
      'echo T v $(params.node) $(workspaces.data.path)',
    ],
  ])('embedded spec: %s', (_name, task, expected) => expect(scriptOf(bind(task))).toBe(expected));

  it('leaves what an embedded spec declares', () => {
    const taskSpec = {
      params: [{ name: 'p', default: '$(params.text)' }],
      results: [{ name: 'r', description: '$(params.text)' }],
      steps: [],
    };
    expect(bind({ taskSpec })?.taskSpec).toEqual(taskSpec);
  });

  it('changes nothing in the pipeline it is given', () => {
    const task: PipelineTask = { params: [{ name: 'p', value: '$(params.text)' }], taskSpec: { steps: [{ script }] } };
    const before = structuredClone(task);
    bind(task);
    expect(task).toEqual(before);
  });
});
