import { elapsedScale } from '../../clock.ts';
import { eachOf } from '../../concurrency.ts';
import { isAbort, messageOf } from '../../errors.ts';
import type { SigningKeyChoice } from '../namespaces.ts';
import { startedOver, type Work } from '../plan/artifacts.ts';
import { undone, type WorkOutcome } from '../plan/settle.ts';
import type { Problem, Step } from '../plan/problems.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { envelopeJson } from '../signing/dsse.ts';
import type { Signature, Signer } from '../signing/signer.ts';
import type { BackendName, RunObject } from '../types.ts';
import type { StoreRequest } from '../storage/backend.ts';
import type { FailureType, ReconcilerOptions } from './options.ts';

export interface Signing extends Pick<ReconcilerOptions, 'kind' | 'services' | 'metrics' | 'clock'> {
  run: RunObject;
  config: ChainsConfig;
  /** Of the run's namespace, where it has its own. */
  key?: SigningKeyChoice | undefined;
  /** There is no further attempt: what can be stored is stored, also without its log entry. */
  last: boolean;
  signal: AbortSignal;
}

/** Artifacts of one run that are signed, logged and stored at the same time. */
const artifactsAtOnce = 4;

/**
 * Signs what has no signature yet, or one that the key of now did not make. One artifact's failure does not keep the
 * others from being signed.
 */
export function signAll(work: readonly Work[], signing: Signing): Promise<WorkOutcome[]> {
  return eachOf(work, artifactsAtOnce, (one) => signOne(one, signing));
}

async function signOne(work: Work, signing: Signing): Promise<WorkOutcome> {
  const outcome: WorkOutcome = { ...undone(work, []), signature: undefined };
  const { artifact } = work;
  await attempt(outcome, 'signing', signing, async () => {
    const signer = await signing.services.signer(artifact.kind, signing, signing.key);
    outcome.signer = signer.description;
    if (await isStillGood(work, signer, signing.signal)) {
      outcome.signature = work.signature;
      return;
    }
    if (work.signature) restart(outcome, signing);
    outcome.signature = await signer.sign(artifact.payload, signing.signal);
    signing.metrics.signCreated(signing.kind);
  });
  return outcome;
}

async function isStillGood({ signature, signer, artifact }: Work, by: Signer, signal: AbortSignal): Promise<boolean> {
  return signature !== undefined && signer === by.description && (await by.made(artifact.payload, signature, signal));
}

/** Log entry, timestamp and copies were of the signature that is given up. */
function restart(outcome: WorkOutcome, { config, run }: Signing): void {
  outcome.work = startedOver(outcome.work, { config, runAnnotations: run.metadata.annotations });
  outcome.logEntry = undefined;
  outcome.timestamp = undefined;
  outcome.stored = [];
}

/** Logs and stores what is signed, each artifact and backend by itself. */
export function publishAll(outcomes: readonly WorkOutcome[], signing: Signing): Promise<WorkOutcome[]> {
  return eachOf(outcomes, artifactsAtOnce, (outcome) => publish(outcome, signing));
}

async function publish(before: WorkOutcome, signing: Signing): Promise<WorkOutcome> {
  const outcome = {
    ...before,
    stored: [...before.stored],
    refused: [...before.refused],
    failures: [...before.failures],
  };
  const { work, signature } = outcome;
  if (!signature) return outcome;
  const { payload } = work.artifact;
  const { services, config, signal, metrics, kind } = signing;
  const [logEntry, timestamp] = await Promise.all([
    work.needsLogEntry
      ? attempt(outcome, 'transparency', signing, async () => {
          const entry = await services.log(config).upload(payload, signature, signal);
          metrics.payloadUploaded(kind);
          return entry;
        })
      : outcome.logEntry,
    work.needsTimestamp
      ? attempt(outcome, 'timestamp', signing, () =>
          services.timestampAuthority(config).timestamp(timestampedBytes(signature, config), signal),
        )
      : outcome.timestamp,
  ]);
  outcome.logEntry = logEntry;
  outcome.timestamp = timestamp;
  // What is stored now could never get its log entry later without being stored a second time.
  if (outcome.failures.length > 0 && !signing.last) return outcome;
  await Promise.all(work.todo.map((name) => store(name, outcome, signing)));
  return outcome;
}

/** cosign wants the timestamp of an `.att` over the whole envelope, that of a `.sig` or a bundle over the signature. */
function isOverEnvelope({ envelope }: Signature, config: ChainsConfig): boolean {
  return envelope !== undefined && config.storage.oci.encoding === 'dsse';
}

function timestampedBytes(signature: Signature, config: ChainsConfig): Uint8Array {
  return signature.envelope && isOverEnvelope(signature, config)
    ? Buffer.from(envelopeJson(signature.envelope))
    : signature.signature;
}

function timestampOf(
  { timestamp }: WorkOutcome,
  signature: Signature,
  config: ChainsConfig,
): Pick<StoreRequest, 'timestamp' | 'envelopeTimestamp'> {
  if (!timestamp) return {};
  return isOverEnvelope(signature, config) ? { envelopeTimestamp: timestamp } : { timestamp };
}

async function store(name: BackendName, outcome: WorkOutcome, signing: Signing): Promise<void> {
  const {
    work: { artifact },
    signature,
    logEntry,
  } = outcome;
  if (!signature) return;
  const { run, config, services, signal, metrics, kind } = signing;
  const request: StoreRequest = {
    run,
    artifact,
    signature,
    config,
    ...(logEntry ? { logEntry } : {}),
    ...timestampOf(outcome, signature, config),
  };
  const done = await attempt(outcome, `storage ${name}`, signing, async () => {
    const backend = await services.backend(name);
    const refusal = backend.refuses?.(request);
    if (refusal !== undefined) {
      outcome.refused.push({ artifact: artifact.shortKey, at: `storage ${name}`, reason: refusal });
      return false;
    }
    await timed(signing, name, () => backend.store(request, signal));
    return true;
  });
  if (done !== true) return;
  outcome.stored.push(name);
  metrics.payloadStored(kind, name);
}

type SigningStep = Exclude<Step, 'verification' | 'payload'>;

/** Under what the metrics count a failure of a step. */
function failureType(at: SigningStep): FailureType {
  switch (at) {
    case 'signing':
      return 'signing';
    case 'transparency':
    case 'timestamp':
      return 'tlog';
    default:
      return 'storage';
  }
}

/** Runs one step; its failure is noted on the outcome. The end of the process is no failure of the step. */
async function attempt<T>(
  outcome: WorkOutcome,
  at: SigningStep,
  signing: Signing,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    signing.signal.throwIfAborted();
    return await step();
  } catch (error) {
    if (signing.signal.aborted || isAbort(error, signing.signal)) throw error;
    outcome.failures.push(problem(outcome.work, at, error));
    signing.metrics.failed(signing.kind, failureType(at));
    return undefined;
  }
}

function problem(work: Work, at: Step, error: unknown): Problem {
  const { shortKey } = work.artifact;
  // Backends begin their messages with what is said here anyway.
  const reason = messageOf(error).replace(`${at}, ${shortKey}: `, '');
  return { artifact: shortKey, at, reason };
}

async function timed<T>({ clock, metrics }: Signing, backend: BackendName, call: () => Promise<T>): Promise<T> {
  const started = elapsedScale(clock);
  const seconds = () => (elapsedScale(clock) - started) / 1000;
  try {
    const result = await call();
    metrics.storing(backend, 'success', seconds());
    return result;
  } catch (error) {
    metrics.storing(backend, 'error', seconds());
    throw error;
  }
}
