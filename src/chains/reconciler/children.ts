import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { eachOf } from '../../concurrency.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import { labels } from '../../core/labels.ts';
import { isControlledBy } from '../../core/owner.ts';
import { deepestNesting } from '../../core/pipelinerun/nesting.ts';
import { joinKey, type Resource } from '../../kube/object.ts';
import type { Problem } from '../plan/problems.ts';
import { childrenOfKind, childTaskRuns } from '../plan/run.ts';
import type { RunObject } from '../types.ts';
import type { ReconcilerOptions } from './options.ts';
import { read } from './write.ts';

/** What was found under the names of a PipelineRun's TaskRuns. */
export interface Children {
  /** Everything that bears one of the names. */
  found: TaskRun[];
  /** Those of them that the PipelineRun made: only they are attested. */
  own: TaskRun[];
  /** PipelineRuns under the names of its pipelines in the pipeline; they are attested by themselves. */
  nested: NestedRun[];
  /** Why the attestation lacks the others. */
  notes: Problem[];
}

export const noChildren: Children = { found: [], own: [], nested: [], notes: [] };

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
  const names = childTaskRuns(run);
  const found = await readTaskRuns(run, client, signal);
  const tasks = new Map(
    (run.status?.childReferences ?? []).map(({ name, pipelineTaskName }) => [name, pipelineTaskName]),
  );
  const faults = found.map((child) => notChild(child, run, tasks.get(child.metadata.name)));
  const present = new Set(found.map(({ metadata }) => metadata.name));
  return {
    found,
    own: found.filter((_child, index) => faults[index] === undefined),
    nested: await readNested(run, client, signal),
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

type Client = Pick<ReconcilerOptions, 'client'>['client'];

async function readTaskRuns(run: PipelineRun, client: Client, signal: AbortSignal): Promise<TaskRun[]> {
  const resource = taskRuns as unknown as Resource<RunObject>;
  return await readEach(run, childTaskRuns(run), { client, resource }, signal);
}

/** Nested runs at every depth that the controller makes; deeper ones are nobody's. */
async function readNested(run: PipelineRun, client: Client, signal: AbortSignal, depth = 1): Promise<NestedRun[]> {
  const resource = pipelineRuns as unknown as Resource<RunObject>;
  const names = depth > deepestNesting ? [] : childrenOfKind(run, 'PipelineRun');
  const runs = (await readEach(run, names, { client, resource }, signal)) as PipelineRun[];
  const nested: NestedRun[] = [];
  for (const inner of runs)
    nested.push({
      run: inner,
      children: await readTaskRuns(inner, client, signal),
      nested: await readNested(inner, client, signal, depth + 1),
    });
  return nested;
}

async function readEach(
  { metadata: { namespace } }: PipelineRun,
  names: readonly string[],
  from: { client: Client; resource: Resource<RunObject> },
  signal: AbortSignal,
): Promise<RunObject[]> {
  const found = await eachOf(names, readsAtOnce, (name) => read(joinKey(namespace, name), from, signal));
  return found.filter((child) => child !== undefined);
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
