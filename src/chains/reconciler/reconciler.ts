import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../../api/resources.ts';
import { messageOf } from '../../errors.ts';
import { ApiError } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import { joinKey, type Resource } from '../../kube/object.ts';
import { annotations, isChainsFinalizer, isWrittenByChains } from '../annotations.ts';
import type { ChainsConfig } from '../config.ts';
import { needsJournal, planArtifacts, type Work } from '../plan/artifacts.ts';
import { inRegistryForm } from '../plan/images.ts';
import { decodeJournal } from '../plan/journal.ts';
import { gaveUp, type Problem } from '../plan/problems.ts';
import { childTaskRuns, planRun, type RunDecision, type RunFacts, type RunState } from '../plan/run.ts';
import {
  finalizersAfter,
  pending,
  settle,
  undone,
  type SettleFacts,
  type Settlement,
  type WorkOutcome,
} from '../plan/settle.ts';
import type { Artifact, FormatProblem, RunObject } from '../types.ts';
import { examine } from './examine.ts';
import type { ReconcilerOptions } from './options.ts';
import { publishAll, signAll, type Signing } from './sign.ts';
import { read, writeMetadata, type MetadataChange } from './write.ts';

/**
 * Brings one run closer to being signed: looks at the cache first, and only when there is work at the API server; makes
 * and signs the payloads, notes the signatures on the run, publishes them, marks the run. A crash between any two calls
 * is taken up by the next reconcile. Throws to be called again with back-off; that does not count as an attempt.
 */
export function createChainsReconciler(
  options: ReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  return async (key, signal) => {
    const config = options.settings();
    const cached = cacheOf(options).get(key);
    if (cached === undefined) return { kind: 'skip' };
    const first = planRun(factsOf(cached, cachedChildren(cached, options), config, options));
    if (!needsWriting(first)) return ended(first);
    const run = await read(key, options, signal);
    if (run === undefined || run.metadata.uid !== cached.metadata.uid) return { kind: 'skip' };
    const children =
      first.kind === 'sign' && options.kind === 'pipelinerun' ? await readChildren(run, options, signal) : [];
    const decision = planRun(factsOf(run, children, config, options));
    return carryOut(decision, { run, children, config, signal }, options);
  };
}

interface Action {
  run: RunObject;
  children: TaskRun[];
  config: ChainsConfig;
  signal: AbortSignal;
}

function needsWriting(decision: RunDecision): boolean {
  return decision.kind === 'protect' || decision.kind === 'release' || decision.kind === 'sign';
}

async function carryOut(decision: RunDecision, action: Action, options: ReconcilerOptions): Promise<Outcome> {
  switch (decision.kind) {
    case 'leave':
    case 'later':
    case 'wait':
      return ended(decision);
    case 'protect':
      await write(action, { annotations: {}, finalizers: (run) => finalizersAfter(run, options.kind, 'add') }, options);
      return { kind: 'done' };
    case 'release':
      await write(
        action,
        { annotations: {}, finalizers: (run) => finalizersAfter(run, options.kind, 'drop') },
        options,
      );
      return { kind: 'done' };
    case 'sign':
      return sign(decision.attempt, action, options);
    default: {
      const never: never = decision;
      return never;
    }
  }
}

function ended(decision: RunDecision): Outcome {
  if (decision.kind === 'later') return { kind: 'requeueAfter', ms: decision.ms };
  if (decision.kind === 'wait' && decision.ms !== undefined) return { kind: 'requeueAfter', ms: decision.ms };
  return { kind: 'done' };
}

async function sign(attempt: number, action: Action, options: ReconcilerOptions): Promise<Outcome> {
  const { config, signal } = action;
  const { kind, services, metrics, clock } = options;
  const { artifacts, problems } = payloadsOf(action, options);
  const missing = missingPayloads(kind, artifacts, problems, config);
  missing.forEach(() => metrics.failed(kind, 'payload_creation'));
  const examined = await examine({
    kind,
    run: action.run,
    children: action.children,
    config,
    services,
    now: clock.now(),
    signal,
  });
  if (artifacts.length > 0 && !examined.sound) {
    metrics.failed(kind, 'payload_creation');
    const outcomes =
      examined.failures.length > 0
        ? workOn(artifacts, action, options).map((work, index) => undone(work, index === 0 ? examined.failures : []))
        : [];
    return conclude({ attempt, outcomes, missing: examined.refusals, notes: [] }, action, options);
  }
  const signing: Signing = {
    kind,
    services,
    metrics,
    clock,
    run: action.run,
    config,
    last: attempt >= config.attempts,
    signal,
  };
  const signed = await signAll(workOn(artifacts, action, options), signing);
  signing.run = await noteSignatures(signed, action, options);
  const outcomes = await publishAll(signed, signing);
  const notes = [
    ...(missing.length > 0 ? [] : problems.map(note)),
    ...prunedChildren(action, options),
    ...examined.notes,
  ];
  return conclude({ attempt, outcomes, missing, notes }, { ...action, run: signing.run }, options);
}

/** Writes down what came of an attempt, and tells it. */
async function conclude(
  came: Pick<SettleFacts, 'attempt' | 'outcomes' | 'missing' | 'notes'>,
  action: Action,
  options: ReconcilerOptions,
): Promise<Outcome> {
  const { kind, clock, random } = options;
  const settlement = settle({
    ...came,
    kind,
    runAnnotations: action.run.metadata.annotations,
    config: action.config,
    now: clock.now(),
    random: random(),
  });
  const written = await writeSettlement(settlement, action, options);
  tell(settlement, written ?? action.run, options);
  return settlement.kind === 'again' ? { kind: 'requeueAfter', ms: settlement.delayMs ?? 0 } : { kind: 'done' };
}

/** A run that formats cannot cope with is a failure of this run, told on it. */
function payloadsOf(
  { run, children, config }: Action,
  { services }: ReconcilerOptions,
): { artifacts: Artifact[]; problems: FormatProblem[] } {
  try {
    const { artifacts, problems } = services.artifactsOf(
      asFinished(run),
      children.map(asFinished) as TaskRun[],
      config,
    );
    return { artifacts: inRegistryForm(artifacts, config), problems };
  } catch (error) {
    return { artifacts: [], problems: [{ subject: run.metadata.name ?? '', message: messageOf(error) }] };
  }
}

function workOn(artifacts: readonly Artifact[], { run, config }: Action, { clock, log }: ReconcilerOptions): Work[] {
  const runAnnotations = run.metadata.annotations;
  const journal = decodeJournal(runAnnotations?.[annotations.pending]);
  if (journal.problem)
    log.warn(
      { run: run.metadata.name, problem: journal.problem },
      'the annotation with pending signatures cannot be read; signing begins anew',
    );
  return planArtifacts({
    artifacts,
    journal: journal.entries,
    runAnnotations,
    config,
    afresh: gaveUp(runAnnotations),
    now: clock.now(),
  });
}

/** Writes new signatures down before anybody else sees them. Gives up when another replica did so first. */
async function noteSignatures(
  signed: readonly WorkOutcome[],
  action: Action,
  options: ReconcilerOptions,
): Promise<RunObject> {
  const isNew = signed.some(({ signature, work }) => signature !== undefined && work.signature === undefined);
  if (!isNew || !needsJournal(signed.map(({ work }) => work))) return action.run;
  const change = {
    annotations: pending({ outcomes: signed, runAnnotations: action.run.metadata.annotations }),
    unchanged: [annotations.pending, annotations.signed],
  };
  // Gone meanwhile: what is signed is published all the same, the image may well live on.
  return (await write(action, change, options)) ?? action.run;
}

async function writeSettlement(
  settlement: Settlement,
  action: Action,
  options: ReconcilerOptions,
): Promise<RunObject | undefined> {
  const finalizers = (run: RunObject) => finalizersAfter(run, options.kind, settlement.finalizer);
  try {
    return await write(action, { annotations: settlement.annotations, finalizers }, options);
  } catch (error) {
    const { [annotations.pending]: journal, ...rest } = settlement.annotations;
    if (!(error instanceof ApiError && error.isInvalid) || typeof journal !== 'string') throw error;
    // The annotations of the run are full: better without the signatures than never an end.
    return write(action, { annotations: { ...rest, [annotations.pending]: null }, finalizers }, options);
  }
}

/** The run without what Chains wrote on it: every attempt must give the same payload. */
function asFinished(run: RunObject): RunObject {
  const { managedFields: _managedFields, ...metadata } = run.metadata as RunObject['metadata'] & {
    managedFields?: unknown;
  };
  const kept = Object.entries(metadata.annotations ?? {}).filter(([name]) => !isWrittenByChains(name));
  const { annotations: _annotations, finalizers: present, ...rest } = metadata;
  const others = (present ?? []).filter((name) => !isChainsFinalizer(name));
  return {
    ...run,
    metadata: {
      ...rest,
      ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}),
      ...(others.length > 0 ? { finalizers: others } : {}),
    },
  } as RunObject;
}

function note({ subject, message }: FormatProblem): Problem {
  return { artifact: subject, at: 'payload', reason: message };
}

/** The run's own attestation, when it is wanted and could not be made. */
function missingPayloads(
  kind: ReconcilerOptions['kind'],
  artifacts: readonly Artifact[],
  problems: readonly FormatProblem[],
  config: ChainsConfig,
): Problem[] {
  if (!config[kind].enabled || artifacts.some((artifact) => artifact.kind === kind)) return [];
  const reasons = problems.map(note);
  return reasons.length > 0
    ? reasons
    : [{ artifact: kind, at: 'payload', reason: 'no attestation could be made of this run' }];
}

function prunedChildren({ run, children }: Action, { kind }: ReconcilerOptions): Problem[] {
  if (kind !== 'pipelinerun') return [];
  const present = new Set(children.map(({ metadata }) => metadata.name));
  return childTaskRuns(run)
    .filter((name) => !present.has(name))
    .map((name) => ({
      artifact: name,
      at: 'payload',
      reason: 'this TaskRun was deleted before its PipelineRun was signed; the attestation lacks it',
    }));
}

function tell(
  { kind: result, events: told }: Settlement,
  run: RunObject,
  { kind, events, metrics, clock, log }: ReconcilerOptions,
): void {
  for (const { type, reason, message } of told)
    events.event(
      { apiVersion: run.apiVersion ?? 'tekton.dev/v1', kind: run.kind ?? '', metadata: run.metadata },
      type,
      reason,
      message,
    );
  const completed = run.status?.completionTime;
  const seconds = completed === undefined ? 0 : Math.max(0, (clock.now().getTime() - Date.parse(completed)) / 1000);
  const about = { kind, run: `${run.metadata.namespace}/${run.metadata.name}` };
  if (result === 'signed') {
    metrics.markedSigned(kind, seconds);
    log.info({ ...about, seconds }, 'signed');
  }
  if (result === 'failed') {
    metrics.markedFailed(kind);
    log.error({ ...about, events: told }, 'not signed');
  }
  if (result === 'again') log.warn({ ...about, events: told }, 'an attempt to sign failed');
}

async function write(
  action: Pick<Action, 'run' | 'signal'>,
  change: MetadataChange,
  options: ReconcilerOptions,
): Promise<RunObject | undefined> {
  const written = await writeMetadata(action.run, change, options, action.signal);
  if (written) cacheOf(options).observeWrite(written as RunState);
  return written;
}

function cacheOf({ kind, caches }: ReconcilerOptions): ReconcilerOptions['caches']['taskRuns'] {
  return kind === 'taskrun' ? caches.taskRuns : caches.pipelineRuns;
}

function factsOf(
  run: RunState,
  children: readonly RunState[],
  config: ChainsConfig,
  { kind, caches, clock }: ReconcilerOptions,
): RunFacts {
  const owner = (run.metadata.ownerReferences ?? []).find(
    (reference) => reference.controller === true && reference.kind === 'PipelineRun',
  );
  const parent = kind === 'taskrun' && owner ? caches.pipelineRuns.find(run.metadata.namespace, owner.name) : undefined;
  return { kind, run, children, config, now: clock.now(), ...(parent?.metadata.uid === owner?.uid ? { parent } : {}) };
}

function cachedChildren(run: RunState, { kind, caches }: ReconcilerOptions): RunState[] {
  if (kind !== 'pipelinerun') return [];
  return childTaskRuns(run).flatMap((name) => caches.taskRuns.find(run.metadata.namespace, name) ?? []);
}

/**
 * From the API server: the caches hold too little of a TaskRun, and one may be missing there that has just been
 * created.
 */
async function readChildren(run: RunObject, options: ReconcilerOptions, signal: AbortSignal): Promise<TaskRun[]> {
  const resource = taskRuns as unknown as Resource<RunObject>;
  const found = await Promise.all(
    childTaskRuns(run as PipelineRun).map((name) =>
      read(joinKey(run.metadata.namespace, name), { client: options.client, resource }, signal),
    ),
  );
  // A TaskRun of the same name that somebody made after the child was pruned is not the child.
  const isChild = (child: RunObject | undefined) =>
    (child?.metadata.ownerReferences ?? []).every(
      ({ controller, uid }) => controller !== true || uid === run.metadata.uid,
    );
  return found.filter((child) => child !== undefined && isChild(child)) as TaskRun[];
}
