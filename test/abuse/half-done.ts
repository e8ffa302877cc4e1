import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { childOf } from '../../src/core/pipelinerun/child/child.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import type { PipelineRunFacts } from '../../src/core/pipelinerun/types.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import { notFound } from './plan.ts';

const ROWS = 3;
const now = new Date('2026-01-01T00:05:00Z');
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };

/**
 * A look at a PipelineRun of n tasks under way: three rows side by side, each task takes the result of the one before
 * it; the first half has succeeded.
 */
export function halfDone(n: number): () => unknown {
  const tasks = Array.from({ length: n }, (_unused, index) => ({
    name: `t${index}`,
    taskSpec: { results: [{ name: 'r' }], steps: [{ image: 'i', script: 'true' }] },
    ...(index < ROWS ? {} : { params: [{ name: 'p', value: `$(tasks.t${index - ROWS}.results.r)` }] }),
  }));
  let run: PipelineRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata,
    spec: { pipelineSpec: { tasks } },
  };
  const made: TaskRun[] = [];
  const facts = (): PipelineRunFacts => ({
    run,
    children: made.map((taskRun) => childOf('TaskRun', taskRun)),
    settings: settingsOf(),
  });
  while (made.length < n / 2) {
    const { effects, status } = decideAtOnce(planPipelineRun(facts(), now), notFound);
    run = { ...run, status };
    const fresh = effects.flatMap((effect) => (effect.type === 'createChild' ? [effect.child as TaskRun] : []));
    if (fresh.length === 0) throw new Error('the run does not go on');
    for (const taskRun of fresh)
      made.push({
        ...taskRun,
        metadata: { ...taskRun.metadata, uid: `uid-${taskRun.metadata.name}` },
        status: {
          conditions: [{ type: 'Succeeded', status: 'True', reason: 'Succeeded' }],
          results: [{ name: 'r', type: 'string', value: 'x' }],
        },
      });
  }
  return () => decideAtOnce(planPipelineRun(facts(), now), notFound);
}
