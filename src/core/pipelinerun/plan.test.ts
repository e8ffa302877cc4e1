import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { observeTasks } from './taskstate.ts';
import { pipelineRun, Simulation, task, type Outcome } from './simulation.fake.ts';

const failed: Outcome = { status: 'False' };
const when = (input: string, ...values: string[]) => [{ input, operator: 'in', values }];
const uses = (name: string) => ({ params: [{ name: 'p', value: `$(tasks.${name}.results.r)` }] });
const simulate = (tasks: PipelineTask[], final: PipelineTask[] = []) =>
  new Simulation(pipelineRun({ pipelineSpec: { tasks, ...(final.length > 0 ? { finally: final } : {}) } }));

/** Steps and ends each task of `outcomes` as soon as it runs, until nothing runs any more. */
function complete(simulation: Simulation, outcomes: Record<string, Outcome> = {}): Simulation {
  for (let round = 0; round < 50; round++) {
    simulation.step();
    const [next] = simulation.running;
    if (next === undefined) return simulation;
    simulation.finish(next, outcomes[next]);
  }
  throw new Error('the run does not end');
}

describe('how runs end', () => {
  it('with an event for each task that lacked a result, once the run is over', () => {
    const simulation = simulate([task('a', {}, 'r'), task('b', uses('a')), task('c')], [task('f')]);
    const events = () => simulation.events.filter((event) => event.includes('ResultValidationFailed'));
    simulation.step();
    simulation.finish('a');
    simulation.step();
    expect(events()).toEqual([]);
    complete(simulation);
    expect(events()).toEqual([
      'Warning ResultValidationFailed Task "b" failed result validation: Invalid task result reference: Could not find result with name r for task a',
    ]);
  });

  it('a task that was skipped since the run stops is not found lacking a result later', () => {
    const simulation = simulate([
      task('a', {}, 'r'),
      task('b', {}, 'r'),
      task('after-a', uses('a')),
      task('after-b', uses('b')),
    ]);
    simulation.step();
    simulation.finish('a');
    simulation.step();
    expect(simulation.skipped).toEqual({ 'after-b': 'PipelineRun was stopping' });
    simulation.finish('b');
    simulation.step();
    expect(simulation.skipped).toEqual({ 'after-b': 'PipelineRun was stopping' });
    expect(simulation.condition).toContain('Skipped: 1, Failed Validation: 1 (');
  });

  it('a task that lacks a result does so also after the time of the run, so that what it stopped stays stopped', () => {
    const simulation = new Simulation(
      pipelineRun({
        pipelineSpec: {
          tasks: [
            task('a', { onError: 'continue' }, 'r'),
            task('slow'),
            task('after-a', uses('a')),
            task('after-slow', { runAfter: ['slow'] }),
          ],
        },
        timeouts: { pipeline: '2m' },
      }),
    );
    simulation.step();
    simulation.finish('a', failed);
    simulation.step();
    expect(simulation.skipped).toEqual({ 'after-slow': 'PipelineRun was stopping' });
    simulation.pass(121);
    simulation.step();
    expect(simulation.skipped).toEqual({ 'after-slow': 'PipelineRun was stopping' });
  });

  const r = { results: { r: 'x' } };
  it.each<[string, Simulation, Record<string, Outcome>, string, Record<string, string>]>([
    [
      'all succeed',
      simulate([task('a'), task('b', { runAfter: ['a'] })]),
      {},
      'True Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0',
      {},
    ],
    [
      'one fails, the rest stops',
      simulate([task('a'), task('b', { runAfter: ['a'] })]),
      { a: failed },
      'False Failed: Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 1',
      { b: 'PipelineRun was stopping' },
    ],
    [
      'an ignored failure',
      simulate([task('a', { onError: 'continue' }), task('b', { runAfter: ['a'] })]),
      { a: failed },
      'True Succeeded: Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0',
      {},
    ],
    [
      'who may fail may do without a result',
      simulate([
        task('a', { onError: 'continue' }, 'r'),
        task('b', { runAfter: ['a'] }),
        task('c', { onError: 'continue', ...uses('a') }),
        task('d', { runAfter: ['c'] }),
      ]),
      { a: failed },
      'True Completed: Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 2',
      { c: 'Results were missing', d: 'Parent Tasks were skipped' },
    ],
    [
      'a guard skips',
      simulate([task('a', { when: when('x', 'y') }), task('b')]),
      {},
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1',
      { a: 'When Expressions evaluated to false' },
    ],
    [
      'what only comes after a guarded task runs',
      simulate([task('a', { when: when('x', 'y') }), task('b', { runAfter: ['a'] })]),
      {},
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1',
      { a: 'When Expressions evaluated to false' },
    ],
    [
      'what needs its result does not, nor what comes after that',
      simulate([task('a', { when: when('x', 'y') }, 'r'), task('b', uses('a')), task('c', { runAfter: ['b'] })]),
      {},
      'True Completed: Tasks Completed: 0 (Failed: 0, Cancelled 0), Skipped: 3',
      { a: 'When Expressions evaluated to false', b: 'Results were missing', c: 'Parent Tasks were skipped' },
    ],
    [
      'a guard comes before what its task lacks: what only comes after it runs',
      simulate([
        task('a', { when: when('x', 'y') }, 'r'),
        task('b', { when: when('$(tasks.a.results.r)', 'y') }),
        task('c', { runAfter: ['b'] }),
      ]),
      {},
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 2',
      { a: 'When Expressions evaluated to false', b: 'When Expressions evaluated to false' },
    ],
    [
      'a guard comes before a parent that was skipped',
      simulate([
        task('a', { when: when('x', 'y') }, 'r'),
        task('b', uses('a')),
        task('c', { runAfter: ['b'], when: when('x', 'y') }),
        task('d', { runAfter: ['c'] }),
        task('e', { runAfter: ['b'], when: when('x', 'x') }),
      ]),
      {},
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 4',
      {
        a: 'When Expressions evaluated to false',
        b: 'Results were missing',
        c: 'When Expressions evaluated to false',
        e: 'Parent Tasks were skipped',
      },
    ],
    [
      'a guard that holds without its result lets the task be skipped for want of it',
      simulate([
        task('a', { when: when('x', 'y') }, 'r'),
        task('b', { when: [{ input: '$(tasks.a.results.r)', operator: 'notin', values: ['y'] }] }),
      ]),
      {},
      'True Completed: Tasks Completed: 0 (Failed: 0, Cancelled 0), Skipped: 2',
      { a: 'When Expressions evaluated to false', b: 'Results were missing' },
    ],
    [
      'a result decides a guard',
      simulate([task('a', {}, 'r'), task('b', { when: when('$(tasks.a.results.r)', 'y') })]),
      { a: r },
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1',
      { b: 'When Expressions evaluated to false' },
    ],
    [
      'a result that was not produced fails the run, after the final tasks',
      simulate([task('a', {}, 'r'), task('b', uses('a'))], [task('f')]),
      {},
      'False PipelineValidationFailed: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0, Failed Validation: 1 (Invalid task result reference: Could not find result with name r for task a)',
      {},
    ],
    [
      'and stops tasks that have nothing to do with it',
      simulate([task('a', {}, 'r'), task('b', uses('a')), task('c', { runAfter: ['a'] })]),
      {},
      'False PipelineValidationFailed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1, Failed Validation: 1 (Invalid task result reference: Could not find result with name r for task a)',
      { c: 'PipelineRun was stopping' },
    ],
    [
      'final tasks run after a failure',
      simulate([task('a'), task('b', { runAfter: ['a'] })], [task('f')]),
      { a: failed },
      'False Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 1',
      { b: 'PipelineRun was stopping' },
    ],
    [
      'a final task fails',
      simulate([task('a')], [task('f')]),
      { f: failed },
      'False Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0',
      {},
    ],
    [
      'a final task without its result is skipped',
      simulate([task('a', {}, 'r')], [task('f', uses('a'))]),
      {},
      'True Completed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1',
      { f: 'Results were missing' },
    ],
    [
      'a final task is guarded by how the others ended',
      simulate(
        [task('a')],
        [
          task('f', { when: when('$(tasks.status)', 'Failed') }),
          task('g', { when: when('$(tasks.a.status)', 'Succeeded') }),
        ],
      ),
      {},
      'True Completed: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 1',
      { f: 'When Expressions evaluated to false' },
    ],
    [
      'a cancelled TaskRun',
      simulate([task('a'), task('b')]),
      { a: { status: 'False', reason: 'TaskRunCancelled' } },
      'False Cancelled: Tasks Completed: 2 (Failed: 0, Cancelled 1), Skipped: 0',
      {},
    ],
    [
      'nothing but skipped tasks',
      simulate([task('a', { when: when('x', 'y') })]),
      {},
      'True Completed: Tasks Completed: 0 (Failed: 0, Cancelled 0), Skipped: 1',
      { a: 'When Expressions evaluated to false' },
    ],
  ])('%s', (_name, simulation, outcomes, condition, skipped) => {
    complete(simulation, outcomes);
    expect(simulation.condition).toBe(condition);
    expect(simulation.skipped).toEqual(skipped);
    expect(simulation.run.status?.completionTime).toBeDefined();
    expect(simulation.plan().effects).toEqual([]);
  });
});

describe('how the tasks ended all in all, as final tasks are told', () => {
  const told = [task('f', { params: [{ name: 'all', value: '$(tasks.status) $(tasks.a.status)' }] })];
  const skipped = task('b', { when: when('x', 'y') });
  it.each<[string, PipelineTask[], Record<string, Outcome>, string]>([
    ['all succeeded', [task('a'), task('b')], {}, 'Succeeded Succeeded'],
    ['one was skipped', [task('a'), skipped], {}, 'Completed Succeeded'],
    ['one failed', [task('a'), task('b')], { b: failed }, 'Failed Succeeded'],
    ['one failed and one was skipped', [task('a'), skipped], { a: failed }, 'Failed Failed'],
    [
      'one failed, and the run goes on',
      [task('a', { onError: 'continue' }), task('b')],
      { a: failed },
      'Failed Failed',
    ],
    ['one lacks a result of another', [task('a', {}, 'r'), task('b', uses('a'))], {}, 'Failed Succeeded'],
    ['one never began', [task('a', { when: when('x', 'y') }), task('b')], {}, 'Completed None'],
  ])('%s', (_name, tasks, outcomes, wanted) => {
    const simulation = simulate(tasks, told);
    for (let round = 0; round < 10 && !simulation.running.includes('f'); round++) {
      simulation.step();
      const [next] = simulation.running.filter((name) => name !== 'f');
      if (next !== undefined) simulation.finish(next, outcomes[next]);
    }
    const made = [...simulation.taskRuns.values()].find(({ metadata }) => metadata.name === 'run-f');
    expect(made?.spec.params).toEqual([{ name: 'all', value: wanted }]);
  });
});

it('a task with a guard waits for all its parents: its guard may be what skips it', () => {
  const r = { params: [{ name: 'p', value: '$(tasks.a.results.r)' }] };
  const simulation = simulate([
    task('a', { when: when('x', 'y') }, 'r'),
    task('b', r),
    task('slow'),
    task('c', { runAfter: ['b', 'slow'], when: when('x', 'y') }),
    task('d', { runAfter: ['b', 'slow'] }),
    task('e', { runAfter: ['c'] }),
  ]);
  simulation.step();
  expect(simulation.skipped).toEqual({
    a: 'When Expressions evaluated to false',
    b: 'Results were missing',
    d: 'Parent Tasks were skipped',
  });
  complete(simulation, {});
  expect(simulation.skipped['c']).toBe('When Expressions evaluated to false');
  expect(simulation.created).toEqual(['run-slow', 'run-e']);
});

it('skipped tasks show their guards, final ones only when these were the reason', () => {
  const guard = when('x', 'y');
  const simulation = complete(
    simulate(
      [task('a', {}, 'r'), task('b', { when: guard, runAfter: ['a'] })],
      [task('f', { when: guard, params: [{ name: 'p', value: '$(tasks.a.results.r)' }] }), task('g', { when: guard })],
    ),
  );
  expect(simulation.run.status?.skippedTasks).toEqual([
    { name: 'b', reason: 'When Expressions evaluated to false', whenExpressions: guard },
    { name: 'f', reason: 'Results were missing' },
    { name: 'g', reason: 'When Expressions evaluated to false', whenExpressions: guard },
  ]);
});

describe('what a TaskRun is given', () => {
  const created = (simulation: Simulation, name = 'run-a') => {
    simulation.step();
    const taskRun = simulation.taskRuns.get(name);
    if (!taskRun) throw new Error(`no ${name}: ${simulation.condition}`);
    return taskRun;
  };

  it('has every label, annotation, owner and default', () => {
    const simulation = new Simulation(
      pipelineRun(
        {
          pipelineRef: { name: 'pipe' },
          taskRunSpecs: [
            { pipelineTaskName: 'a', metadata: { labels: { team: 'own' }, annotations: { note: 'own' } } },
          ],
        },
        { labels: { app: 'x', team: 'run' }, annotations: { 'chains.tekton.dev/signed': 'true', mark: 'm' } },
      ),
    );
    simulation.pipeline = {
      kind: 'found',
      definition: {
        name: 'pipe',
        metadata: { labels: { from: 'pipeline', app: 'hidden' } },
        spec: { tasks: [task('a', { taskRef: { name: 'build' } })] },
      },
    };
    simulation.tasks.set('build', {
      kind: 'found',
      definition: { name: 'build', metadata: { labels: { 'of-task': 'yes', app: 'hidden too' } }, spec: { steps: [] } },
    });
    const taskRun = created(simulation);
    expect(taskRun.metadata).toEqual({
      name: 'run-a',
      namespace: 'ns',
      uid: 'uid-run-a',
      creationTimestamp: '2026-01-01T00:00:01Z',
      labels: {
        'app.kubernetes.io/managed-by': 'tekton-pipelines',
        'of-task': 'yes',
        app: 'x',
        team: 'own',
        from: 'pipeline',
        'tekton.dev/pipeline': 'pipe',
        'tekton.dev/pipelineRun': 'run',
        'tekton.dev/pipelineRunUID': 'uid-run',
        'tekton.dev/pipelineTask': 'a',
        'tekton.dev/memberOf': 'tasks',
        'tekton.dev/task': 'build',
      },
      annotations: { mark: 'm', note: 'own', 'pipeline.tekton.dev/release': 'v1' },
      ownerReferences: [
        {
          apiVersion: 'tekton.dev/v1',
          kind: 'PipelineRun',
          name: 'run',
          uid: 'uid-run',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
    expect(taskRun.spec).toEqual({
      taskRef: { name: 'build', kind: 'Task' },
      serviceAccountName: 'default',
      timeout: '1h0m0s',
    });
    expect(simulation.run.metadata.labels).toEqual({
      app: 'x',
      team: 'run',
      from: 'pipeline',
      'tekton.dev/pipeline': 'pipe',
    });
  });

  it('has what taskRunSpecs and taskRunTemplate say', () => {
    const simulation = new Simulation(
      pipelineRun({
        pipelineSpec: { tasks: [task('a', { retries: 2, timeout: '5m' }), task('lenient', { onError: 'continue' })] },
        taskRunTemplate: {
          serviceAccountName: 'general',
          podTemplate: {
            nodeSelector: { zone: 'a' },
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '1' },
            ],
          },
        },
        taskRunSpecs: [
          {
            pipelineTaskName: 'a',
            serviceAccountName: 'special',
            podTemplate: { env: [{ name: 'B', value: '2' }] },
            timeout: '3m',
            stepSpecs: [{ name: 's', computeResources: { requests: { cpu: '1' } } }],
          },
        ],
      }),
    );
    const { spec, metadata } = created(simulation);
    expect(spec).toMatchObject({
      serviceAccountName: 'special',
      retries: 2,
      timeout: '3m',
      stepSpecs: [{ name: 's', computeResources: { requests: { cpu: '1' } } }],
      podTemplate: {
        nodeSelector: { zone: 'a' },
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
    });
    expect(metadata.annotations).toEqual({ 'pipeline.tekton.dev/release': 'v1' });
    expect(simulation.taskRuns.get('run-lenient')?.metadata.annotations).toMatchObject({
      'pipeline.tekton.dev/pipeline-task-on-error': 'continue',
    });
  });

  it('has params replaced in taskRunSpecs and taskRunTemplate, also those of its matrix', () => {
    const simulation = new Simulation(
      pipelineRun({
        params: [{ name: 'zone', value: 'z1' }],
        pipelineSpec: {
          params: [{ name: 'zone' }],
          tasks: [
            task('a', {
              matrix: { params: [{ name: 'node', value: ['n1', 'n2'] }] },
              taskSpec: { params: [{ name: 'node' }], steps: [{ image: 'i' }] },
            }),
          ],
        },
        taskRunTemplate: { podTemplate: { schedulerName: '$(params.zone)' } },
        taskRunSpecs: [
          {
            pipelineTaskName: 'a',
            podTemplate: { nodeSelector: { node: '$(params.node)', run: '$(context.pipelineRun.name)' } },
          },
        ],
      }),
    );
    expect(created(simulation, 'run-a-1').spec.podTemplate).toEqual({
      schedulerName: 'z1',
      nodeSelector: { node: 'n2', run: 'run' },
    });
  });

  it('takes params that YAML reads as numbers or booleans, as their text', () => {
    const values: unknown[] = [10, true, null, [1, 2], { k: 1 }];
    const params = values.map((value, index) => ({ name: `p${index}`, value: value as never }));
    const simulation = simulate([task('a', { params })], []);
    simulation.step();
    expect(simulation.taskRuns.get('run-a')?.spec.params?.map(({ value }) => value)).toEqual([
      '10',
      'true',
      '',
      '[1,2]',
      '{"k":1}',
    ]);
  });

  it('has params of all types, context and results replaced', () => {
    const simulation = new Simulation(
      pipelineRun({
        params: [
          { name: 'list', value: ['x', 'y'] },
          { name: 'obj', value: { k: 'v' } },
        ],
        pipelineSpec: {
          params: [
            { name: 'text', type: 'string', default: 'fallback' },
            { name: 'list', type: 'array' },
            { name: 'obj', type: 'object', properties: { k: {} } },
          ],
          tasks: [
            task('a', {}, 'r', 'all'),
            task('b', {
              retries: 1,
              params: [
                {
                  name: 'text',
                  value:
                    '$(params.text) $(params.list[1]) $(params.obj.k) $(context.pipelineRun.name) $(context.pipelineTask.retries)',
                },
                { name: 'list', value: ['first', '$(params.list[*])'] },
                { name: 'obj', value: '$(params.obj[*])' },
                { name: 'result', value: '$(tasks.a.results.r)-$(tasks.a.results.all[1])' },
                { name: 'all', value: '$(tasks.a.results.all[*])' },
              ],
            }),
          ],
        },
      }),
    );
    simulation.step();
    simulation.finish('a', { results: { r: 'R', all: ['0', '1'] } });
    expect(created(simulation, 'run-b').spec.params).toEqual([
      { name: 'text', value: 'fallback y v run 1' },
      { name: 'list', value: ['first', 'x', 'y'] },
      { name: 'obj', value: { k: 'v' } },
      { name: 'result', value: 'R-1' },
      { name: 'all', value: ['0', '1'] },
    ]);
  });

  it('has params, results and workspaces propagated into an embedded spec, the inner scope winning', () => {
    const script = 'echo $(params.outer) $(params.both) $(tasks.a.results.r) $(workspaces.data.path)';
    const simulation = new Simulation(
      pipelineRun({
        params: [
          { name: 'outer', value: 'O' },
          { name: 'both', value: 'hidden' },
        ],
        workspaces: [{ name: 'data', emptyDir: {} }],
        pipelineSpec: {
          tasks: [
            task('a', {}, 'r'),
            {
              name: 'b',
              params: [{ name: 'both', value: 'inner' }],
              taskSpec: { steps: [{ name: 's', image: 'i', script }] },
            },
          ],
        },
      }),
    );
    simulation.step();
    simulation.finish('a', { results: { r: 'R' } });
    const { spec } = created(simulation, 'run-b');
    expect(spec.taskSpec?.steps?.[0]?.script).toBe('echo O inner R $(workspaces.data.path)');
    expect(spec.workspaces).toEqual([{ name: 'data', emptyDir: {} }]);
  });

  it('has its workspaces under its own names, claims by name, subPaths joined', () => {
    const simulation = new Simulation(
      pipelineRun({
        params: [{ name: 'dir', value: 'sub' }],
        workspaces: [
          {
            name: 'shared',
            subPath: 'base',
            volumeClaimTemplate: {
              metadata: { name: 'vol', labels: { l: 'x' } },
              spec: { accessModes: ['ReadWriteOnce'] },
            },
          },
          { name: 'conf', configMap: { name: 'cm-$(params.dir)' } },
        ],
        pipelineSpec: {
          params: [{ name: 'dir' }],
          workspaces: [{ name: 'shared' }, { name: 'conf' }, { name: 'maybe', optional: true }],
          tasks: [
            task('a', {
              workspaces: [
                { name: 'mine', workspace: 'shared', subPath: '$(params.dir)/$(context.pipelineRun.name)' },
                { name: 'conf' },
                { name: 'maybe' },
              ],
              taskSpec: {
                workspaces: [{ name: 'mine' }, { name: 'conf' }, { name: 'maybe', optional: true }],
                steps: [{ name: 's', image: 'i' }],
              },
            }),
          ],
        },
      }),
    );
    const taskRun = created(simulation);
    const [claim] = [...simulation.claims.values()];
    expect(claim?.metadata.name).toMatch(/^vol-[0-9a-f]{10}$/);
    expect(claim).toMatchObject({
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: 'ns', labels: { l: 'x' }, ownerReferences: [{ uid: 'uid-run' }] },
      spec: { accessModes: ['ReadWriteOnce'] },
    });
    expect(taskRun.spec.workspaces).toEqual([
      { name: 'mine', subPath: 'base/sub/run', persistentVolumeClaim: { claimName: claim?.metadata.name } },
      { name: 'conf', configMap: { name: 'cm-sub' } },
    ]);
  });

  it.each<[string, string | undefined, string | undefined, string]>([
    ['the default', undefined, undefined, '1h0m0s'],
    ['a longer limit of the tasks', '3h', '2h', '2h0m0s'],
    ['a shorter limit of the tasks leaves the default', '3h', '10m', '1h0m0s'],
    ['no limit of the tasks', '0', '0', '0s'],
  ])('timeout: %s', (_name, pipeline, tasks, expected) => {
    const simulation = new Simulation(
      pipelineRun({
        timeouts: { ...(pipeline ? { pipeline } : {}), ...(tasks ? { tasks } : {}) },
        pipelineSpec: { tasks: [task('a')] },
      }),
    );
    expect(created(simulation).spec.timeout).toBe(expected);
  });
});

describe('fan-out', () => {
  it('runs every combination, gathers results, and counts as one task', () => {
    const simulation = simulate([
      task(
        'm',
        {
          displayName: 'm',
          matrix: {
            params: [{ name: 'p', value: ['x', 'y'] }],
            include: [
              {
                name: 'with x',
                params: [
                  { name: 'p', value: 'x' },
                  { name: 'q', value: '1' },
                ],
              },
            ],
          },
        },
        'r',
      ),
      task('n', {
        params: [
          { name: 'all', value: '$(tasks.m.results.r[*])' },
          { name: 'count', value: '$(tasks.m.matrix.length) $(tasks.m.matrix.r.length)' },
        ],
      }),
    ]);
    simulation.step();
    expect(simulation.created).toEqual(['run-m-0', 'run-m-1']);
    expect(simulation.taskRuns.get('run-m-0')?.spec.params).toEqual([
      { name: 'p', value: 'x' },
      { name: 'q', value: '1' },
    ]);
    expect(simulation.run.status?.childReferences?.map(({ name, displayName }) => [name, displayName])).toEqual([
      ['run-m-0', 'with x'],
      ['run-m-1', 'm'],
    ]);
    simulation.finish('m', { results: { r: '0' } }, 0);
    simulation.step();
    expect(simulation.running).toEqual(['m']);
    simulation.finish('m', { results: { r: '1' } }, 1);
    simulation.step();
    expect(simulation.taskRuns.get('run-n')?.spec.params).toEqual([
      { name: 'all', value: ['0', '1'] },
      { name: 'count', value: '2 2' },
    ]);
    simulation.finish('n');
    simulation.step();
    expect(simulation.condition).toBe('True Succeeded: Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0');
  });

  it('keeps the order of its runs, whatever their task is called and whichever was made late', () => {
    const values = Array.from({ length: 12 }, (_, index) => `v${index}`);
    const simulation = simulate([task('build-2', { matrix: { params: [{ name: 'p', value: values }] } }, 'r')]);
    simulation.step();
    const late = simulation.taskRuns.get('run-build-2-3');
    simulation.taskRuns.delete('run-build-2-3');
    simulation.step();
    expect(simulation.taskRuns.get('run-build-2-3')?.spec).toEqual(late?.spec);
    values.forEach((r, index) => simulation.finish('build-2', { results: { r } }, index));
    const [state] = observeTasks(simulation.run, simulation.run.status?.pipelineSpec ?? {}, simulation.children());
    expect(state?.results.get('r')).toEqual(values);
  });

  it('of one run has no number, and one at the end of its name is none', () => {
    const simulation = simulate([task('build-2', { matrix: { params: [{ name: 'p', value: ['x'] }] } }, 'r')]);
    simulation.step();
    expect(simulation.created).toEqual(['run-build-2']);
    simulation.finish('build-2', { results: { r: '0' } });
    simulation.step();
    expect(simulation.condition).toMatch(/^True/);
  });

  it('goes on where it was interrupted', () => {
    const simulation = simulate([task('m', { matrix: { params: [{ name: 'p', value: ['x', 'y', 'z'] }] } })]);
    simulation.step();
    simulation.taskRuns.delete('run-m-1');
    simulation.finish('m', {}, 0);
    simulation.finish('m', {}, 2);
    simulation.step();
    expect(simulation.created).toEqual(['run-m-0', 'run-m-1', 'run-m-2', 'run-m-1']);
    expect(simulation.condition).toMatch(/^Unknown Running/);
  });

  it('over an empty array is skipped', () => {
    const simulation = complete(
      simulate([
        task('a', {}, 'r'),
        task('m', { matrix: { params: [{ name: 'p', value: '$(tasks.a.results.r[*])' }] } }),
      ]),
      { a: { results: { r: [] } } },
    );
    expect(simulation.skipped).toEqual({ m: 'Matrix Parameters have an empty array' });
  });

  it('of one is named as any other task', () => {
    const simulation = simulate([task('m', { matrix: { params: [{ name: 'p', value: ['x'] }] } })]);
    simulation.step();
    expect(simulation.created).toEqual(['run-m']);
  });
});
