import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { taskDependencies } from '../../core/graph/dependencies.ts';

/** A child of a PipelineRun, and the pipeline task that it was made for. */
export interface EarlierChild {
  name: string;
  task: string;
}

/**
 * The TaskRuns of a PipelineRun that had to end before one of them began: those of every task that its own comes after,
 * also by others; of all tasks when it is one of `finally`. None for a name that the PipelineRun's status has not.
 */
export function earlierTaskRuns(name: string, { status }: PipelineRun): EarlierChild[] {
  const children = (status?.childReferences ?? []).flatMap((reference) => {
    const { kind = 'TaskRun', name: child = '', pipelineTaskName: task = '' } = reference;
    return kind === 'TaskRun' ? [{ name: child, task }] : [];
  });
  const own = children.find((child) => child.name === name);
  if (own === undefined) return [];
  const earlier = tasksBefore(own.task, status?.pipelineSpec?.tasks ?? []);
  return children.filter(({ task }) => earlier.has(task));
}

function tasksBefore(task: string, tasks: readonly PipelineTask[]): Set<string> {
  const specs = new Map(tasks.map((each) => [each.name ?? '', each]));
  const siblings = new Set(specs.keys());
  if (!specs.has(task)) return siblings;
  const before = new Set<string>();
  const open = [task];
  // Grows while it is walked.
  for (const next of open) {
    const spec = specs.get(next);
    for (const parent of spec === undefined ? [] : taskDependencies(spec, siblings)) {
      if (before.has(parent) || parent === task) continue;
      before.add(parent);
      open.push(parent);
    }
  }
  return before;
}
