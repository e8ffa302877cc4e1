import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { planPipelineRun, tasksToResolve } from '../../src/core/pipelinerun/plan.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { startNeeds } from '../../src/core/taskrun/start.ts';
import type { AbuseCase } from './cases.ts';

const now = new Date('2026-01-01T00:00:10Z');
const settings = settingsOf();
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const start = { secrets: [], unreadableSecrets: [], limitRanges: [], images: new Map() };

/** What a reconcile asks of core, from a run as the API server sends it. */
export function plan(
  { kind }: Pick<AbuseCase, 'kind'>,
  json: string,
): ReturnType<typeof planTaskRun> | ReturnType<typeof planPipelineRun> {
  const object: unknown = { apiVersion: 'tekton.dev/v1', kind, metadata, spec: JSON.parse(json) as unknown };
  if (kind === 'PipelineRun') {
    const facts = { run: object as PipelineRun, taskRuns: [], settings };
    tasksToResolve(facts, now);
    return planPipelineRun({ ...facts, tasks: new Map() }, now);
  }
  const taskRun = object as TaskRun;
  const task = { kind: 'resolved', name: 'run', spec: taskRun.spec.taskSpec ?? {} } as const;
  const facts = { taskRun, task, pods: [], settings, start };
  startNeeds(facts, now);
  return planTaskRun(facts, now);
}
