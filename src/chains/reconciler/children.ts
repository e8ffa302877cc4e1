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
import { childrenOfKind } from '../plan/run.ts';
import type { RunObject } from '../types.ts';
import type { ReconcilerOptions } from './options.ts';
import { read } from './write.ts';

/** What was found under the names of a PipelineRun's children. */
export interface Children {
  /** Every TaskRun that bears one of the names. */
  found: TaskRun[];
  /** Those of them that the PipelineRun made: only they are attested. */
  own: TaskRun[];
  /** Every PipelineRun that bears the name of one of its pipelines in the pipeline, each with the same below it. */
  nested: NestedRun[];
  /** Those of them that were made by the run that they are within, each with what itself made. */
  ownNested: NestedRun[];
  /** Why the attestation lacks the others. */
  notes: Problem[];
  /** Why there must be no attestation. */
  refusals: Problem[];
}

export const noChildren: Children = { found: [], own: [], nested: [], ownNested: [], notes: [], refusals: [] };

/** Reads at the same time of one PipelineRun. */
export const readsAtOnce = 16;
/** Runs within the nested ones of a PipelineRun, all of which are in memory while it is signed. */
export const mostWithin = 2_000;

type Client = Pick<ReconcilerOptions, 'client'>['client'];

interface Reading {
  client: Client;
  signal: AbortSignal;
  /** How many runs may still be read; below zero there are too many. */
  left: number;
  notes: Problem[];
}

/**
 * From the API server: the caches hold too little of a run, and one may be missing there that has just been created.
 */
export async function readChildren(
  run: PipelineRun,
  { client }: Pick<ReconcilerOptions, 'client'>,
  signal: AbortSignal,
): Promise<Children> {
  const left = childrenOfKind(run, 'TaskRun').length + mostWithin;
  const reading: Reading = { client, signal, left, notes: [] };
  const { found, own } = await readMade<TaskRun>(run, 'TaskRun', reading);
  const nested = await readNested(run, reading, 1);
  const refusals = reading.left < 0 ? [tooMany(run)] : [];
  return { found, own, nested: nested.found, ownNested: nested.own, notes: reading.notes, refusals };
}

/**
 * Nested runs at every depth that the controller makes; deeper ones are nobody's. What another run made, or nobody, is
 * not looked into: owner and uid make it a tree, whatever the references say.
 */
async function readNested(run: PipelineRun, reading: Reading, depth: number): Promise<Made<NestedRun>> {
  const nested: Made<NestedRun> = { found: [], own: [] };
  if (depth > deepestNesting) return nested;
  const { found, own } = await readMade<PipelineRun>(run, 'PipelineRun', reading);
  const foreign = found.filter((inner) => !own.includes(inner));
  nested.found.push(...foreign.map((inner) => ({ run: inner, children: [], nested: [] })));
  for (const inner of own) {
    const children = await readMade<TaskRun>(inner, 'TaskRun', reading);
    const below = await readNested(inner, reading, depth + 1);
    nested.found.push({ run: inner, children: children.found, nested: below.found });
    nested.own.push({ run: inner, children: children.own, nested: below.own });
  }
  return nested;
}

/** What bears the names of a run's children, and what of it the run made. */
interface Made<T> {
  found: T[];
  own: T[];
}

/** The kinds of runs, each read as any of them. */
export const resources = { TaskRun: taskRuns, PipelineRun: pipelineRuns } as unknown as Record<
  'TaskRun' | 'PipelineRun',
  Resource<RunObject>
>;

/** The children of one kind; those that are not the run's, or are gone, are noted. */
async function readMade<T extends RunObject>(
  run: PipelineRun,
  kind: 'TaskRun' | 'PipelineRun',
  reading: Reading,
): Promise<Made<T>> {
  const names = [...new Set(childrenOfKind(run, kind))];
  reading.left -= names.length;
  if (reading.left < 0) return { found: [], own: [] };
  const from = { client: reading.client, resource: resources[kind] };
  const { namespace } = run.metadata;
  const all = await eachOf(names, readsAtOnce, (name) => read(joinKey(namespace, name), from, reading.signal));
  const found = all.filter((child) => child !== undefined) as T[];
  const tasks = new Map(
    (run.status?.childReferences ?? []).map(({ name, pipelineTaskName }) => [name, pipelineTaskName]),
  );
  const faults = found.map((child) => notChild(child, run, tasks.get(child.metadata.name)));
  const present = new Set(found.map(({ metadata }) => metadata.name));
  reading.notes.push(
    ...found.flatMap(({ metadata }, index) => {
      const fault = faults[index];
      return fault === undefined ? [] : [lacking(kind, metadata.name, fault)];
    }),
    ...names
      .filter((name) => !present.has(name))
      .map((name) => lacking(kind, name, 'was deleted before its PipelineRun was signed')),
  );
  return { found, own: found.filter((_child, index) => faults[index] === undefined) };
}

/**
 * Why this run is not the child of that name: anybody can make one of the name when the child is gone, and put a label
 * on it.
 */
export function notChild(child: RunObject, run: PipelineRun, task: string | undefined): string | undefined {
  if (!isControlledBy(child, 'PipelineRun', run.metadata.uid))
    return 'was not made by the PipelineRun (its controller is another, or none)';
  const label = child.metadata.labels?.[labels.pipelineTask];
  return label === task
    ? undefined
    : `has the label ${labels.pipelineTask}: ${JSON.stringify(label ?? '')}, and was made for ${JSON.stringify(task ?? '')}`;
}

function lacking(kind: string, name: string | undefined, why: string): Problem {
  return { artifact: name ?? '', at: 'payload', reason: `this ${kind} ${why}; the attestation lacks it` };
}

function tooMany({ metadata: { name = '' } }: PipelineRun): Problem {
  const reason = `more than ${mostWithin} runs are within its pipelines in the pipeline, and an attestation looks at no more; let several PipelineRuns do the work`;
  return { artifact: name, at: 'payload', reason };
}
