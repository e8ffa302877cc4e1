import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../api/resources.ts';
import { childSelector } from '../core/children.ts';
import type { Cluster } from './cluster.ts';

/** The TaskRuns of a PipelineRun by name. One list by label, where a GET for each would be a request for each. */
export async function childTaskRuns(
  cluster: Pick<Cluster, 'list'>,
  { metadata }: PipelineRun,
  { namespace, signal }: { namespace: string; signal: AbortSignal },
): Promise<ReadonlyMap<string, TaskRun>> {
  const labelSelector = childSelector(metadata.name ?? '');
  if (labelSelector === undefined) return new Map();
  const { items } = await cluster.list(taskRuns, { namespace, labelSelector, signal });
  return new Map(items.map((item) => [item.metadata.name ?? '', item]));
}
