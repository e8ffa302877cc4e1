import type { ObjectMeta } from '../api/meta.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { CredentialSecret } from './pod/credentials.ts';
import type { ImageCredentials, ImageFact } from './pod/image.ts';
import type { LimitRange } from './pod/resources.ts';
import { sortedJson } from './digest/canonical-json.ts';
import type { Queue } from './queue/queue.ts';
import type { Standing, Superseded } from './queue/standing.ts';
import { keyOf, type DefinitionKind, type Reference } from './reference/reference.ts';
import type { TrustBundle } from './spire/svid.ts';
import type { Resolved } from './reference/resolved.ts';

/** Names, types and annotations of what a service account gives to a pod. */
export interface CredentialFacts {
  /** A message when the service account is not there. */
  serviceAccountProblem?: string;
  secrets: CredentialSecret[];
  /** Secrets that could not be read: a warning, as upstream. */
  unreadableSecrets: string[];
}

/** A Task, Pipeline or StepAction. */
export interface DefinitionNeed<K extends DefinitionKind = DefinitionKind> {
  type: 'definition';
  namespace: string;
  reference: Reference<K>;
  /** Name of the run that is to have it: by it a ResolutionRequest is named, so that two that ask share one. */
  requestName: string;
  /** Not from a cache: the run has not begun, and what was changed a moment before it must count. */
  fresh: boolean;
}

/** What a service account gives to a pod. */
export interface CredentialsNeed {
  type: 'credentials';
  namespace: string;
  serviceAccountName: string;
}

/** What an image runs by itself. */
export interface ImageNeed {
  type: 'image';
  image: string;
  credentials: ImageCredentials;
}

/** The LimitRanges of a namespace. */
export interface LimitRangesNeed {
  type: 'limitRanges';
  namespace: string;
}

/** The last warning about a pod. */
export interface PodWarningNeed {
  type: 'podWarning';
  namespace: string;
  podUid: string;
}

/** What a container has printed. */
export interface ContainerLogNeed {
  type: 'containerLog';
  namespace: string;
  pod: string;
  podUid: string;
  container: string;
  /** Only so many lines, the last ones; all if missing. */
  lastLines?: number;
  /** Bytes; the rest is cut off. */
  limit: number;
}

/** What a container has printed, or why that cannot be read. */
export type ContainerLog =
  { kind: 'read'; text: string; isCut: boolean } | { kind: 'unreadable'; message: string; retryable: boolean };

/** Whether the controller may read logs in a namespace. */
export interface LogAccessNeed {
  type: 'logAccess';
  namespace: string;
}

/** Whether the API server has native sidecars: init containers that run beside the others. */
export interface NativeSidecarsNeed {
  type: 'nativeSidecars';
}

/** Who vouches for the identities by which steps sign. */
export interface TrustBundleNeed {
  type: 'trustBundle';
}

export type TrustBundleAnswer = { kind: 'read'; bundle: TrustBundle } | { kind: 'unreadable'; message: string };

/** A slot of its queue for a run that is to begin. */
export interface TurnNeed {
  type: 'turn';
  namespace: string;
  name: string;
  uid: string;
  queue: Queue;
}

/** Whether the run has its slot now: then it keeps it until it has ended. */
export type Turn =
  | { kind: 'go' }
  | { kind: 'wait'; standing: Standing; superseded: readonly Superseded[] }
  /** It could not be found out; nobody is let in on a guess. */
  | { kind: 'unknown'; message: string };

/** The node that the pods of a group belong on, because one of them is or was there and it may take more. */
export interface GroupNodeNeed {
  type: 'groupNode';
  namespace: string;
  group: string;
}

/** A PipelineRun that has ended before: a rerun takes over from it. */
export interface EarlierPipelineRunNeed {
  type: 'earlierPipelineRun';
  namespace: string;
  name: string;
}

/** A TaskRun that has ended before. */
export interface EarlierTaskRunNeed {
  type: 'earlierTaskRun';
  namespace: string;
  name: string;
}

/** Whose a PersistentVolumeClaim is. */
export interface ClaimNeed {
  type: 'claim';
  namespace: string;
  name: string;
}

/** Metadata of a PersistentVolumeClaim that is there. */
export type ClaimFacts = Pick<ObjectMeta, 'ownerReferences' | 'deletionTimestamp'>;

/** Something to be found out before a run can be planned: a closed union, as effects are. */
export type Need =
  | DefinitionNeed
  | CredentialsNeed
  | ImageNeed
  | LimitRangesNeed
  | PodWarningNeed
  | ContainerLogNeed
  | LogAccessNeed
  | NativeSidecarsNeed
  | TrustBundleNeed
  | TurnNeed
  | GroupNodeNeed
  | EarlierPipelineRunNeed
  | EarlierTaskRunNeed
  | ClaimNeed;

interface AnswerByType {
  definition: Resolved;
  credentials: CredentialFacts;
  image: ImageFact;
  limitRanges: LimitRange[];
  /** Undefined when there is none, or it cannot be read. */
  podWarning: string | undefined;
  containerLog: ContainerLog;
  /** False only if the API server says so. */
  logAccess: boolean;
  nativeSidecars: boolean;
  trustBundle: TrustBundleAnswer;
  turn: Turn;
  /** The node's name; undefined where no pod has been, or the node takes none any more. */
  groupNode: string | undefined;
  /** Undefined when it is not there, as the two below. */
  earlierPipelineRun: PipelineRun | undefined;
  earlierTaskRun: TaskRun | undefined;
  claim: ClaimFacts | undefined;
}

export type AnswerTo<N extends Need> = AnswerByType[N['type']];

/**
 * A decision in the making (hack/decisions/0024). It yields everything it needs to know at that point, and goes on with
 * the answers: it never runs twice, and whoever drives it may find them in a cluster, in files, or in a table of a
 * test. The same facts, time and answers come to the same decision.
 */
export type Planning<Decision, N extends Need = Need> = Generator<readonly N[], Decision, Answers>;

/** Answers by what was asked. */
export class Answers {
  readonly #byNeed = new Map<string, AnswerTo<Need>>();

  has(need: Need): boolean {
    return this.#byNeed.has(keyOfNeed(need));
  }

  add<N extends Need>(need: N, answer: AnswerTo<N>): void {
    this.#byNeed.set(keyOfNeed(need), answer);
  }

  /** @throws Error when nobody answered: the fault of who drives the planning */
  to<N extends Need>(need: N): AnswerTo<N> {
    if (!this.has(need)) throw new Error(`no answer to the need ${keyOfNeed(need)}`);
    return this.#byNeed.get(keyOfNeed(need)) as AnswerTo<N>;
  }
}

/** What makes two needs of a type one. */
const keys: { [T in Need['type']]: (need: Extract<Need, { type: T }>) => string } = {
  definition: ({ namespace, reference }) => `definition ${namespace} ${keyOf(reference)}`,
  image: ({ type, image, credentials }) => sortedJson([type, image, credentials]),
  credentials: ({ type, namespace, serviceAccountName }) => sortedJson([type, namespace, serviceAccountName]),
  limitRanges: ({ type, namespace }) => sortedJson([type, namespace]),
  logAccess: ({ type, namespace }) => sortedJson([type, namespace]),
  podWarning: ({ type, podUid }) => sortedJson([type, podUid]),
  containerLog: ({ type, podUid, container, lastLines, limit }) =>
    sortedJson([type, podUid, container, lastLines ?? null, limit]),
  nativeSidecars: ({ type }) => type,
  trustBundle: ({ type }) => type,
  turn: ({ type, uid, queue }) => sortedJson([type, uid, queue.key]),
  earlierPipelineRun: ({ type, namespace, name }) => sortedJson([type, namespace, name]),
  earlierTaskRun: ({ type, namespace, name }) => sortedJson([type, namespace, name]),
  claim: ({ type, namespace, name }) => sortedJson([type, namespace, name]),
  groupNode: ({ type, namespace, group }) => sortedJson([type, namespace, group]),
};

function keyOfNeed(need: Need): string {
  const key = keys[need.type] as (need: Need) => string;
  return key(need);
}

/** The answers to several needs of one type, in their order. */
export function* ask<N extends Need>(needs: readonly N[]): Planning<AnswerTo<N>[], N> {
  if (needs.length === 0) return [];
  const answers = yield needs;
  return needs.map((need) => answers.to(need));
}

/** The definitions that references ask for, in their order. A supplier answers with the kind that it was asked for. */
export function* askDefinitions<K extends DefinitionKind>(
  needs: readonly DefinitionNeed<K>[],
): Planning<Resolved<K>[], DefinitionNeed<K>> {
  return (yield* ask(needs)) as Resolved<K>[];
}

/** So often a planning may ask; each of today's has done with three. */
const mostRounds = 10;

/**
 * Brings a planning to its decision. What is asked for at the same time is supplied at the same time, each once.
 * @throws what `supply` rejects with
 */
export async function decide<Decision, N extends Need>(
  planning: Planning<Decision, N>,
  supply: (need: N) => Promise<AnswerTo<N>>,
): Promise<Decision> {
  const answers = new Answers();
  let step = planning.next(answers);
  for (let round = 0; !step.done; round++) {
    const open = openNeeds(step.value, answers, round);
    const found = await Promise.all(open.map(async (need) => ({ need, answer: await supply(need) })));
    for (const { need, answer } of found) answers.add(need, answer);
    step = planning.next(answers);
  }
  return step.value;
}

/** The same with answers that are at hand. */
export function decideAtOnce<Decision, N extends Need>(
  planning: Planning<Decision, N>,
  supply: (need: N) => AnswerTo<N>,
): Decision {
  const answers = new Answers();
  let step = planning.next(answers);
  for (let round = 0; !step.done; round++) {
    for (const need of openNeeds(step.value, answers, round)) answers.add(need, supply(need));
    step = planning.next(answers);
  }
  return step.value;
}

/** @throws Error for a planning that asks for ever */
function openNeeds<N extends Need>(needs: readonly N[], answers: Answers, round: number): N[] {
  if (round === mostRounds) throw new Error(`planning asked ${mostRounds} times and came to no decision`);
  const open = needs.filter((need) => !answers.has(need));
  return [...new Map(open.map((need) => [keyOfNeed(need), need])).values()];
}
