import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { customRuns, pipelineRuns } from '../api/resources.ts';
import { childSelector } from '../core/children.ts';
import { pipelineRunGraph } from '../dashboard/view/run-graph.ts';
import { pipelineRunSentence, taskRunSentence } from '../dashboard/view/sentence.ts';
import type { HasStatus } from '../dashboard/view/status.ts';
import type { KubeObject, Resource } from '../resource.ts';
import { childTaskRuns } from './child-task-runs.ts';
import type { Context } from './command.ts';
import { printable } from './text/printable.ts';

/** How a PipelineRun is, in the words at the head of its page in the dashboard. */
export async function sentenceOfPipelineRun(context: Context, run: PipelineRun): Promise<string> {
  const [taskRuns, others] = await Promise.all([childTaskRuns(context.cluster, run, context), otherRuns(context, run)]);
  const graph = pipelineRunGraph(run, (name) => taskRuns.get(name) ?? others.get(name));
  const now = context.environment.clock.now().getTime();
  return `${printable(pipelineRunSentence(run, graph, { taskRuns, now }))}\n`;
}

export function sentenceOfTaskRun(context: Context, run: TaskRun): Promise<string> {
  return Promise.resolve(`${printable(taskRunSentence(run, context.environment.clock.now().getTime()))}\n`);
}

/** Pipelines in the pipeline and runs of custom tasks, by name. */
async function otherRuns(
  { cluster, namespace, signal }: Context,
  { metadata, status }: PipelineRun,
): Promise<ReadonlyMap<string, HasStatus>> {
  const labelSelector = childSelector(metadata.name ?? '');
  if (labelSelector === undefined) return new Map();
  const made = new Set((status?.childReferences ?? []).map(({ kind }) => kind));
  const kinds = [pipelineRuns, customRuns].filter(({ kind }) => made.has(kind)) as Resource[];
  const lists = await Promise.all(kinds.map((kind) => cluster.list(kind, { namespace, labelSelector, signal })));
  const found = lists.flatMap(({ items }) => items as (KubeObject & HasStatus)[]);
  return new Map(found.map((item) => [item.metadata.name ?? '', item]));
}
