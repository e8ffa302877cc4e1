import type { NestedRun } from '../../core/digest/verify.ts';
import { messageOf } from '../../errors.ts';
import { ApiError } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import { annotations, isChainsFinalizer, isWrittenByChains } from '../annotations.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { needsJournal, planArtifacts, type Work } from '../plan/artifacts.ts';
import { inRegistryForm } from '../plan/images.ts';
import { decodeJournal } from '../plan/journal.ts';
import { markOf } from '../plan/mark.ts';
import type { Problem } from '../plan/problems.ts';
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
import type { Children } from './children.ts';
import type { Earlier } from './earlier.ts';
import { examine } from './examine.ts';
import type { ReconcilerOptions } from './options.ts';
import { permit } from './permit.ts';
import { publishAll, signAll, type Signing } from './sign.ts';
import { cacheOf, writeMetadata, type MetadataChange } from './write.ts';

/** A run and what is known of it in this reconcile. */
export interface Action {
  run: RunObject;
  children: Children;
  earlier: Earlier;
  config: ChainsConfig;
  signal: AbortSignal;
}

/**
 * One attempt to sign a run: makes the payloads, judges whether they may be signed, signs, notes the signatures on the
 * run, publishes them, marks the run.
 */
export async function attemptToSign(attempt: number, action: Action, options: ReconcilerOptions): Promise<Outcome> {
  const { run, children, earlier, config, signal } = action;
  const { kind, services, metrics, clock } = options;
  const { artifacts, problems } = payloadsOf(action, options);
  const missing = missingPayloads(kind, artifacts, problems, config);
  missing.forEach(() => metrics.failed(kind, 'payload_creation'));
  const examined = await examine({ kind, run, children, config, services, now: clock.now(), signal });
  if (artifacts.length > 0 && !examined.sound) {
    metrics.failed(kind, 'verification');
    const outcomes =
      examined.failures.length > 0
        ? workOn(artifacts, action, options).map((work, index) => undone(work, index === 0 ? examined.failures : []))
        : [];
    return conclude({ attempt, outcomes, missing: examined.refusals, notes: [] }, action, options);
  }
  const permission = await permit({ run, artifacts, config, services, signal });
  const refusals = [...missing, ...permission.refusals];
  [...permission.refusals, ...permission.undecided].forEach(() => metrics.failed(kind, 'verification'));
  const last = attempt >= config.attempts;
  const signing: Signing = { kind, services, metrics, clock, run, config, key: permission.key, last, signal };
  const held = permission.undecided.flatMap(({ artifact, problem }) =>
    workOn([artifact], action, options).map((work) => undone(work, [problem])),
  );
  const signed = await signAll(workOn(permission.permitted, action, options), signing);
  signing.run = await noteSignatures([...signed, ...held], action, options);
  const outcomes = [...(await publishAll(signed, signing)), ...held];
  const unusable = missing.length > 0 ? [] : problems.map(note);
  const notes = [...unusable, ...children.notes, ...earlier.notes, ...examined.notes];
  return conclude({ attempt, outcomes, missing: refusals, notes }, { ...action, run: signing.run }, options);
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
    uid: action.run.metadata.uid ?? '',
    seal: options.seal,
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
  { run, children, earlier, config }: Action,
  { kind, services }: ReconcilerOptions,
): { artifacts: Artifact[]; problems: FormatProblem[] } {
  try {
    const { artifacts, problems } = services.artifactsOf(
      asFinished(run),
      (kind === 'taskrun' ? earlier.runs : children.own).map(asFinished),
      config,
      children.ownNested.map(finishedTree),
    );
    return { artifacts: inRegistryForm(artifacts, config), problems };
  } catch (error) {
    return { artifacts: [], problems: [{ subject: run.metadata.name ?? '', message: messageOf(error) }] };
  }
}

function finishedTree({ run, children, nested }: NestedRun): NestedRun {
  return { run: asFinished(run), children: children.map(asFinished), nested: nested.map(finishedTree) };
}

function workOn(
  artifacts: readonly Artifact[],
  { run, config }: Action,
  { clock, seal, log }: ReconcilerOptions,
): Work[] {
  const { uid = '', annotations: runAnnotations } = run.metadata;
  const journal = decodeJournal(runAnnotations?.[annotations.pending], { uid, seal });
  if (journal.problem)
    log.warn(
      { run: `${run.metadata.namespace}/${run.metadata.name}`, problem: journal.problem },
      'the annotation with pending signatures is not used; signing begins anew',
    );
  return planArtifacts({
    artifacts,
    journal: journal.entries,
    runAnnotations,
    config,
    afresh: markOf(run.metadata, seal).kind === 'failed',
    now: clock.now(),
  });
}

/** Writes new signatures down before anybody else sees them. Gives up when another replica did so first. */
async function noteSignatures(
  signed: readonly WorkOutcome[],
  action: Action,
  options: ReconcilerOptions,
): Promise<RunObject> {
  const isNew = signed.some(({ signature, work }) => signature !== undefined && signature !== work.signature);
  if (!isNew || !needsJournal(signed.map(({ work }) => work))) return action.run;
  const change = {
    annotations: pending({
      outcomes: signed,
      runAnnotations: action.run.metadata.annotations,
      uid: action.run.metadata.uid ?? '',
      seal: options.seal,
    }),
    unchanged: [annotations.pending, annotations.signed, annotations.mark],
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
  };
}

function note({ subject, message }: FormatProblem): Problem {
  return { artifact: subject, at: 'payload', reason: message };
}

/** What is wanted and could not be made: the run's own attestation, and all that was refused as too much. */
function missingPayloads(
  kind: ReconcilerOptions['kind'],
  artifacts: readonly Artifact[],
  problems: readonly FormatProblem[],
  config: ChainsConfig,
): Problem[] {
  if (!config[kind].enabled || artifacts.some((artifact) => artifact.kind === kind))
    return problems.filter(({ refused }) => refused === true).map(note);
  const reasons = problems.map(note);
  return reasons.length > 0
    ? reasons
    : [{ artifact: kind, at: 'payload', reason: 'no attestation could be made of this run' }];
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

/** Writes a change of metadata; the cache has it at once. */
export async function write(
  action: Pick<Action, 'run' | 'signal'>,
  change: MetadataChange,
  options: ReconcilerOptions,
): Promise<RunObject | undefined> {
  const written = await writeMetadata(action.run, change, options, action.signal);
  if (written) cacheOf(options).observeWrite(written);
  return written;
}
