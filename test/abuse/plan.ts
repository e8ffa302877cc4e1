import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import type { PipelineRunDecision } from '../../src/core/pipelinerun/types.ts';
import type { Resolved } from '../../src/core/reference/resolved.ts';
import type { TaskRunDecision } from '../../src/core/taskrun/facts.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import type { AbuseCase } from './cases.ts';

const now = new Date('2026-01-01T00:00:10Z');
const settings = settingsOf();
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };

/** What a reconcile asks of core, from a run as the API server sends it. */
export function plan({ kind }: Pick<AbuseCase, 'kind'>, json: string): TaskRunDecision | PipelineRunDecision {
  const object: unknown = { apiVersion: 'tekton.dev/v1', kind, metadata, spec: JSON.parse(json) as unknown };
  if (kind === 'PipelineRun') {
    const facts = { run: object as PipelineRun, children: [], settings };
    return decideAtOnce(planPipelineRun(facts, now), notFound);
  }
  const taskRun = object as TaskRun;
  return decideAtOnce(planTaskRun({ taskRun, pods: [], settings }, now), supplyOf());
}

/** Nothing is there but the run. */
export function notFound(): Resolved {
  return { kind: 'failed', reason: 'NotFound', message: 'not found' };
}
