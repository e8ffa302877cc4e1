import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { jsonSize, largestObject, tooLarge } from '../budget.ts';
import { lostMessage } from '../digest/spec-change.ts';
import { annotations } from '../labels.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import type { Definition, Resolved } from '../reference/resolved.ts';
import type { Assessment } from './assess.ts';
import { boundWorkspaces } from './bind.ts';
import { isCustomTask } from './child/customrun.ts';
import { runMetadata, missingEntries } from './child/metadata.ts';
import { nestedSpec } from './child/pipelinerun.ts';
import { nodeHolder } from './node-holder.ts';
import { definedOnly } from '../../optional.ts';
import { askTasks, taskFailure } from './definitions.ts';
import type { Draft } from './draft.ts';
import { checkEnumSubsets } from './enums.ts';
import { RunFailure, userError } from './failure.ts';
import { countProduct } from './matrix.ts';
import { nameOf } from './names.ts';
import { checkNesting } from './nesting.ts';
import { pipelineOf, type BoundPipeline } from './pipeline.ts';
import { checkReferences } from './references.ts';
import { claimsOf } from './workspaces.ts';

/** Nothing is made from a spec of which the record keeps only a digest. */
export function refuseLostSpec(draft: Draft): void {
  const { specChange } = draft.facts;
  if (specChange === undefined || specChange.lost.length === 0) return;
  throw new RunFailure('PipelineValidationFailed', userError(lostMessage('PipelineRun', specChange)));
}

/** Finds, checks and binds the pipeline; the first time, the run also gets its labels. */
export function preparePipeline(draft: Draft): BoundPipeline {
  if (draft.timeoutProblem)
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(draft.run)} can't be Run: ${userError(draft.timeoutProblem)}`,
    );
  const { pipeline: source } = draft.facts;
  draft.recordProvenance(source?.kind === 'found' ? source.refSource : undefined);
  if (source) draft.recordVerdicts([source]);
  const pipeline = pipelineOf(draft.facts, draft.run, (spec) => {
    draft.status.pipelineSpec = spec;
  });
  if (pipeline.source !== undefined) {
    checkAnnotations(draft.run, pipeline.source.metadata?.annotations);
    checkNesting(draft.run, draft.facts.ancestors ?? []);
    checkChildren(pipeline.spec);
    const wanted = runMetadata(draft.run, pipeline.source);
    const labels = missingEntries(wanted.labels, draft.run.metadata.labels);
    const annotations = missingEntries(wanted.annotations, draft.run.metadata.annotations);
    if (Object.keys({ ...labels, ...annotations }).length > 0)
      draft.effects.push({ type: 'patchMetadata', labels, annotations });
  }
  return pipeline;
}

/** A setting that would do nothing is refused. @throws RunFailure */
function checkAnnotations(run: PipelineRun, ofPipeline: Record<string, string> = {}): void {
  const value = run.metadata.annotations?.[annotations.failFast] ?? ofPipeline[annotations.failFast];
  if (value === undefined || value === 'true' || value === 'false') return;
  throw new RunFailure(
    'PipelineValidationFailed',
    `PipelineRun ${nameOf(run)} can't be Run: ${userError(`metadata.annotations[${annotations.failFast}]: ${JSON.stringify(value)}: use "true" or "false"`)}`,
  );
}

/** The status names every TaskRun: whether that can be stored is known before the first is made. */
function checkChildren({ tasks = [], finally: last = [] }: PipelineSpec): void {
  const all = [...tasks, ...last];
  const count = all.reduce((sum, { matrix }) => sum + countProduct(matrix), 0);
  const size = all.reduce(
    (sum, { name = '', matrix }) => sum + countProduct(matrix) * (leastReference + name.length),
    0,
  );
  if (size > largestObject)
    throw tooLarge(
      `status.childReferences of ${count} TaskRuns`,
      size,
      'split the pipeline, or give its matrices less',
    );
}

/** An entry of childReferences, and of the record of children, without any name in it. */
const leastReference = jsonSize({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: '', pipelineTaskName: '' }) + 60;

/** A definition that may not be read is no fault of the run: the operator gives the right back, and it goes on. */
export function isAwaited<R extends Resolved>(resolved: R | undefined): resolved is Exclude<R, { kind: 'found' }> {
  if (resolved?.kind === 'failed') return resolved.retryable === true || resolved.reason === 'Forbidden';
  return resolved?.kind === 'resolving';
}

/**
 * Asks for the Tasks of every pipeline task before the first TaskRun exists, later of those that may still start.
 * @returns one that has to be waited for @throws RunFailure for one that cannot be had
 */
export function* resolveTasks(
  draft: Draft,
  pipeline: BoundPipeline,
  { tasks }: Assessment,
): Planning<Exclude<Resolved, { kind: 'found' }> | undefined, DefinitionNeed<'Task'>> {
  const open = tasks
    .filter((state) => isFirst(draft) || state.startable || (state.progress === 'notStarted' && !state.done))
    .map(({ task }) => task);
  const resolved = yield* askTasks(draft.run, open);
  draft.learn(resolved);
  draft.recordVerdicts([...resolved.values()]);
  for (const task of open) {
    const found = draft.taskOf(task);
    if (found?.kind === 'failed' && !isAwaited(found)) throw taskFailure(draft.run, pipeline, task, found);
  }
  return [...resolved.values()].find((one) => isAwaited(one));
}

export function isFirst({ facts }: Draft): boolean {
  return facts.children.length === 0 && (facts.run.status?.childReferences ?? []).length === 0;
}

export function prepareFirstTask(draft: Draft, { name, spec, source }: BoundPipeline): void {
  const tasks = [...(spec.tasks ?? []), ...(spec.finally ?? [])];
  const specs = new Map<string, TaskSpec | undefined>(
    tasks.map((task) => [task.name ?? '', declarationsOf(draft, task)]),
  );
  checkReferences(draft.name, spec, (task) => specs.get(task));
  if (source && draft.facts.settings.flags.enableParamEnum) checkEnumSubsets(source.spec, (task) => specs.get(task));
  prepareVolumes(draft, boundWorkspaces(draft.run, name, spec), tasks);
}

/** The claims that its tasks share, and the node that is kept for them. */
function prepareVolumes(draft: Draft, workspaces: readonly WorkspaceBinding[], tasks: readonly PipelineTask[]): void {
  for (const { workspace, claim } of claimsOf(draft.run, workspaces))
    draft.effects.push({ type: 'createPersistentVolumeClaim', workspace, claim });
  for (const [workspace, name] of draft.facts.inheritance?.claims ?? [])
    draft.effects.push({ type: 'sharePersistentVolumeClaim', workspace, name });
  // A run within this one keeps a node for itself; it would find this one's taken.
  const isNested = tasks.some(({ pipelineRef, pipelineSpec }) => pipelineRef ?? pipelineSpec);
  const pod = isNested ? undefined : nodeHolder(draft.run, workspaces, draft.facts.settings);
  if (pod) draft.effects.push({ type: 'createNodeHolder', pod });
}

/** What a task takes and gives, as far as it is known here: a Pipeline that is referred to is found by its own run. */
function declarationsOf(draft: Draft, task: PipelineTask): TaskSpec | undefined {
  if (isCustomTask(task)) return undefined;
  const nested = nestedSpec(task);
  if (nested === undefined) return task.taskSpec ?? definitionOf(draft, task)?.spec;
  const { params, workspaces, results = [] } = nested;
  return { ...definedOnly({ params, workspaces }), results: results.map(({ name }) => ({ name })) };
}

export function definitionOf(draft: Draft, task: PipelineTask): Definition<'Task'> | undefined {
  const resolved = draft.taskOf(task);
  return resolved?.kind === 'found' ? resolved.definition : undefined;
}
