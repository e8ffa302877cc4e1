import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone } from '../condition.ts';
import { recordAnnotations, recorded } from '../digest/record.ts';
import { formatInheritance, formatSource, parseInheritance, type Inheritance } from '../inheritance/record.ts';
import { annotations } from '../labels.ts';
import { ask, type ClaimNeed, type EarlierPipelineRunNeed, type Planning } from '../need.ts';
import { claimedWorkspaces } from './bind.ts';
import type { NewChild } from './child/child.ts';
import { RunFailure, userError } from './failure.ts';
import { nameOf, taskChildName } from './names.ts';
import type { TaskObservation } from './taskstate.ts';
import { claimName } from './workspaces.ts';

/**
 * What a run takes over from the one that its annotation names: asked once, when it begins, and in its status from
 * then on.
 * @throws RunFailure for a run that is not there or not over: nobody should believe that it was reused
 */
export function* askInheritance(
  run: PipelineRun,
): Planning<Inheritance | undefined, EarlierPipelineRunNeed | ClaimNeed> {
  const record = recorded(run.status, 'inheritance');
  if (record !== undefined) return parseInheritance(record);
  const name = rerunOf(run);
  if (name === undefined) return undefined;
  const { namespace = '' } = run.metadata;
  const [earlier] = yield* ask([{ type: 'earlierPipelineRun' as const, namespace, name }]);
  if (earlier === undefined || !isDone(earlier.status)) {
    // Of a pipeline within a rerun: the outer run says what was there.
    if (isWithin(run)) return undefined;
    const why = earlier === undefined ? 'is not in the namespace' : 'has not ended';
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(run)} can't be Run: ${userError(`metadata.annotations[${annotations.rerunFromFailure}]: PipelineRun ${JSON.stringify(name)} ${why}; run it without the annotation`)}`,
    );
  }
  const { uid = '' } = earlier.metadata;
  return { from: { name, uid }, claims: yield* askClaims(run, earlier) };
}

/** The earlier run that a run which has not begun goes on from. */
function rerunOf({ metadata, spec, status }: PipelineRun): string | undefined {
  if (status?.startTime !== undefined || spec.status === 'Cancelled') return undefined;
  return metadata.annotations?.[annotations.rerunFromFailure];
}

function isWithin({ metadata }: PipelineRun): boolean {
  return (metadata.ownerReferences ?? []).some(({ controller, kind }) => controller === true && kind === 'PipelineRun');
}

/** The claims that were made for the earlier run's workspaces and are still there, by workspaces of this run. */
function* askClaims(run: PipelineRun, earlier: PipelineRun): Planning<Map<string, string>, ClaimNeed> {
  const { namespace = '', uid } = earlier.metadata;
  const names = claimsMade(earlier);
  const wanted = (run.spec.workspaces ?? []).flatMap(({ name, volumeClaimTemplate }) => {
    const claim = volumeClaimTemplate === undefined ? undefined : names.get(name);
    return claim === undefined ? [] : [{ workspace: name, claim }];
  });
  const found = yield* ask(wanted.map(({ claim }) => ({ type: 'claim' as const, namespace, name: claim })));
  const isReachable = (index: number) => {
    const { ownerReferences = [], deletionTimestamp } = found[index] ?? {};
    return deletionTimestamp === undefined && ownerReferences.some((owner) => owner.uid === uid);
  };
  return new Map(
    wanted.filter((_, index) => isReachable(index)).map(({ workspace, claim }) => [workspace, claim] as const),
  );
}

/** Names of a run's claims by workspace: those that it went on with itself, and its own. */
function claimsMade(run: PipelineRun): Map<string, string> {
  const before = parseInheritance(recorded(run.status, 'inheritance') ?? '')?.claims ?? [];
  const made = claimedWorkspaces(run, run.status?.pipelineSpec ?? {});
  const own = made.map((binding) => [binding.name, claimName(binding, run.metadata.uid ?? '')] as const);
  return new Map([...own, ...before]);
}

/** The run with the earlier run's claims in the place of its templates. */
export function withClaims(run: PipelineRun, inheritance: Inheritance | undefined): PipelineRun {
  if (inheritance === undefined || inheritance.claims.size === 0) return run;
  const workspaces = run.spec.workspaces?.map((binding) => {
    const claim = inheritance.claims.get(binding.name);
    if (claim === undefined || binding.volumeClaimTemplate === undefined) return binding;
    const { volumeClaimTemplate: _template, ...rest } = binding;
    return { ...rest, persistentVolumeClaim: { claimName: claim } };
  });
  return { ...run, spec: { ...run.spec, ...(workspaces ? { workspaces } : {}) } };
}

/** The status with a note of what the run takes over. */
export function withInheritance(status: PipelineRunStatus, inheritance: Inheritance | undefined): PipelineRunStatus {
  if (inheritance === undefined || recorded(status, 'inheritance') !== undefined) return status;
  const record = { [recordAnnotations.inheritance]: formatInheritance(inheritance) };
  return { ...status, annotations: { ...status.annotations, ...record } };
}

/**
 * A child of a rerun, told where its work may have been done before. Final tasks always run, and who follows CustomRuns
 * knows nothing of reruns. `index` is its place in a fan-out.
 */
export function withSource(
  child: NewChild,
  inheritance: Inheritance | undefined,
  { name: task, section }: Pick<TaskObservation, 'name' | 'section'>,
  index: number | undefined,
): NewChild {
  if (inheritance === undefined || section === 'finally' || child.kind === 'CustomRun') return child;
  const { name, uid } = inheritance.from;
  const earlier = taskChildName({ metadata: { name } }, task, index);
  const mark: Record<string, string> =
    child.kind === 'TaskRun'
      ? { [annotations.inheritFrom]: formatSource({ taskRun: earlier, pipelineRunUid: uid }) }
      : { [annotations.rerunFromFailure]: earlier };
  const { metadata } = child;
  return { ...child, metadata: { ...metadata, annotations: { ...metadata.annotations, ...mark } } };
}
