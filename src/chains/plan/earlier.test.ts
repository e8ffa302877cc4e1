import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { earlierTaskRuns } from './earlier.ts';

function runOf(tasks: PipelineTask[], more: { finally?: PipelineTask[]; kinds?: Record<string, string> } = {}) {
  const all = [...tasks, ...(more.finally ?? [])];
  return {
    status: {
      pipelineSpec: { tasks, finally: more.finally },
      childReferences: all.map(({ name = '' }) => ({
        kind: more.kinds?.[name] ?? 'TaskRun',
        name: `r-${name}`,
        pipelineTaskName: name,
      })),
    },
  } as unknown as PipelineRun;
}
const earlier = (task: string, run: PipelineRun) => earlierTaskRuns(`r-${task}`, run).map((child) => child.task);

const chain: PipelineTask[] = [
  { name: 'a' },
  { name: 'b', params: [{ name: 'x', value: '$(tasks.a.results.r)' }] },
  { name: 'c', runAfter: ['b'] },
  { name: 'd' },
];

describe('the tasks that came before one', () => {
  it.each<[name: string, task: string, run: PipelineRun, wanted: string[]]>([
    ['the first has none', 'a', runOf(chain), []],
    ['by a result', 'b', runOf(chain), ['a']],
    ['by runAfter, and through others', 'c', runOf(chain), ['a', 'b']],
    ['one beside them has none', 'd', runOf(chain), []],
    ['a task of finally comes after all', 'e', runOf(chain, { finally: [{ name: 'e' }] }), ['a', 'b', 'c', 'd']],
    ['of CustomRuns and PipelineRuns nothing is read', 'c', runOf(chain, { kinds: { a: 'CustomRun' } }), ['b']],
    ['a name that the status has not', 'x', runOf(chain), []],
    [
      'a circle ends',
      'a',
      runOf([
        { name: 'a', runAfter: ['b'] },
        { name: 'b', runAfter: ['a'] },
      ]),
      ['b'],
    ],
    ['what is not there is nobody', 'a', runOf([{ name: 'a', runAfter: ['gone'] }]), []],
  ])('%s', (_name, task, run, wanted) => {
    expect(earlier(task, run)).toEqual(wanted);
  });

  it('never has the task itself, nor one that does not precede it', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 }), (after) => {
        const tasks = after.map((parents, index) => ({
          name: `t${index}`,
          runAfter: parents.filter((parent) => parent < index).map((parent) => `t${parent}`),
        }));
        for (const { name, runAfter } of tasks) {
          const found = earlier(name, runOf(tasks));
          const wanted = new Set(runAfter.flatMap((parent) => [parent, ...earlier(parent, runOf(tasks))]));
          expect(new Set(found)).toEqual(wanted);
        }
      }),
    );
  });
});
