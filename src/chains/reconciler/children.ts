import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../api/resources.ts';
import { eachOf } from '../../concurrency.ts';
import { labels } from '../../core/labels.ts';
import { isControlledBy } from '../../core/owner.ts';
import { joinKey, type Resource } from '../../kube/object.ts';
import type { Problem } from '../plan/problems.ts';
import { childTaskRuns } from '../plan/run.ts';
import type { RunObject } from '../types.ts';
import type { ReconcilerOptions } from './options.ts';
import { read } from './write.ts';

/** What was found under the names of a PipelineRun's TaskRuns. */
export interface Children {
  /** Everything that bears one of the names. */
  found: TaskRun[];
  /** Those of them that the PipelineRun made: only they are attested. */
  own: TaskRun[];
  /** Why the attestation lacks the others. */
  notes: Problem[];
}

export const noChildren: Children = { found: [], own: [], notes: [] };

/** Reads at the same time of one PipelineRun. */
const readsAtOnce = 16;

/**
 * From the API server: the caches hold too little of a TaskRun, and one may be missing there that has just been
 * created.
 */
export async function readChildren(
  run: PipelineRun,
  { client }: Pick<ReconcilerOptions, 'client'>,
  signal: AbortSignal,
): Promise<Children> {
  const resource = taskRuns as unknown as Resource<RunObject>;
  const names = childTaskRuns(run);
  const readOne = (name: string) => read(joinKey(run.metadata.namespace, name), { client, resource }, signal);
  const found = (await eachOf(names, readsAtOnce, readOne)).filter((child) => child !== undefined) as TaskRun[];
  const tasks = new Map(
    (run.status?.childReferences ?? []).map(({ name, pipelineTaskName }) => [name, pipelineTaskName]),
  );
  const faults = found.map((child) => notChild(child, run, tasks.get(child.metadata.name)));
  const present = new Set(found.map(({ metadata }) => metadata.name));
  return {
    found,
    own: found.filter((_child, index) => faults[index] === undefined),
    notes: [
      ...found.flatMap(({ metadata }, index) => {
        const fault = faults[index];
        return fault === undefined ? [] : [lacking(metadata.name, fault)];
      }),
      ...names
        .filter((name) => !present.has(name))
        .map((name) => lacking(name, 'was deleted before its PipelineRun was signed')),
    ],
  };
}

/**
 * Why this TaskRun is not the child of that name: anybody can make one of the name when the child is gone, and put a
 * label on it.
 */
function notChild(child: TaskRun, run: PipelineRun, task: string | undefined): string | undefined {
  if (!isControlledBy(child, 'PipelineRun', run.metadata.uid))
    return 'was not made by the PipelineRun (its controller is another, or none)';
  const label = child.metadata.labels?.[labels.pipelineTask];
  return label === task
    ? undefined
    : `has the label ${labels.pipelineTask}: ${JSON.stringify(label ?? '')}, and was made for ${JSON.stringify(task ?? '')}`;
}

function lacking(name: string | undefined, why: string): Problem {
  return { artifact: name ?? '', at: 'payload', reason: `this TaskRun ${why}; the attestation lacks it` };
}
