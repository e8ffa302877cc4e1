import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { pipelineRun, taskRun } from './runs.fake.ts';

const ours = { taskrun: 'chains.tekton.dev/taskrun', pipelinerun: 'chains.tekton.dev/pipelinerun' };

function environment(): FakeEnvironment {
  const made = new FakeEnvironment();
  made.cluster.put(pipelineRuns, pipelineRun('p', { metadata: { name: 'p', finalizers: [ours.pipelinerun, 'x/y'] } }));
  made.cluster.put(taskRuns, taskRun('a', { metadata: { name: 'a', finalizers: [ours.taskrun] } }));
  made.cluster.put(taskRuns, taskRun('old', { metadata: { name: 'old', finalizers: ['chains.tekton.dev'] } }));
  made.cluster.put(
    taskRuns,
    taskRun('free', { metadata: { name: 'free', finalizers: ['results.tekton.dev/taskrun'] } }),
  );
  return made;
}

const finalizersOf = async (made: FakeEnvironment, resource: typeof taskRuns | typeof pipelineRuns, name: string) =>
  (await made.cluster.get(resource, 'ns', name)).metadata.finalizers;

describe('chains release', () => {
  it.each(['chains release -n ns', 'chains release --all-namespaces'])(
    '%s: takes its finalizers, and no others',
    async (line) => {
      const made = environment();
      expect(await made.run(line)).toBe(0);
      expect(made.out.split('\n').sort()).toEqual([
        '',
        '1 of 1 PipelineRuns released',
        '2 of 3 TaskRuns released',
        'PipelineRun released: ns/p',
        'TaskRun released: ns/a',
        'TaskRun released: ns/old',
      ]);
      expect(await finalizersOf(made, pipelineRuns, 'p')).toEqual(['x/y']);
      expect(await finalizersOf(made, taskRuns, 'a')).toEqual([]);
      expect(await finalizersOf(made, taskRuns, 'old')).toEqual([]);
      expect(await finalizersOf(made, taskRuns, 'free')).toEqual(['results.tekton.dev/taskrun']);
    },
  );

  const patchOfA = (present: string[], kept: string[]) =>
    `patch taskruns/a ${JSON.stringify([
      { op: 'test', path: '/metadata/finalizers', value: present },
      { op: 'replace', path: '/metadata/finalizers', value: kept },
    ])}`;

  it('looks again when somebody else wrote meanwhile', async () => {
    const made = environment();
    made.cluster.failures.set(patchOfA([ours.taskrun], []), [
      new ApiError(422, { reason: 'Invalid', message: 'test failed' }),
    ]);
    expect(await made.run('chains release -n ns')).toBe(0);
    expect(await finalizersOf(made, taskRuns, 'a')).toEqual([]);
  });

  it('releases the others when one is refused, and says which', async () => {
    const made = environment();
    made.cluster.failures.set(patchOfA([ours.taskrun], []), [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('chains release -n ns')).toBe(1);
    expect(made.err).toBe('Error: failed to release TaskRun ns/a: forbidden\n');
    expect(await finalizersOf(made, taskRuns, 'old')).toEqual([]);
    expect(made.out).toContain('1 of 3 TaskRuns released');
  });

  it('says why it cannot look', async () => {
    const made = environment();
    made.cluster.failures.set('list pipelineruns', [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('chains release -n ns')).toBe(1);
    expect(made.err).toBe('Error: failed to list PipelineRuns: forbidden\n');
  });
});
