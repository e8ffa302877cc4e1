import { isDeepStrictEqual } from 'node:util';
import {
  resolutionRequests,
  resolverTypeLabel,
  type ResolutionRequest,
} from '../../api/resolution/resolution-request.ts';
import type { VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import type { Clock } from '../../clock.ts';
import type { DefinitionNeed } from '../../core/need.ts';
import type { RemoteReference } from '../../core/reference/reference.ts';
import type { Resolved, Verdict } from '../../core/reference/resolved.ts';
import type { Settings } from '../../core/settings.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { joinKey } from '../../kube/object.ts';
import { requestName } from '../contract/name.ts';
import { succeededCondition } from '../contract/status.ts';
import { verifyDefinition } from '../trust/verify.ts';
import { AnswerReader, type Answer, type Failure, type ReadAnswer } from './answers.ts';
import type { Patience } from './patience.ts';
import { keysOfPolicy, type KmsKeys } from './policies.ts';
import type { ReadDefinition } from './read-definition.ts';

/** The run that asks; it owns the ResolutionRequest that is made for it. */
export interface Requester {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

export interface SupplierOptions {
  client: Pick<KubeClient, 'get' | 'create'>;
  requests: {
    find(namespace: string | undefined, name: string): ResolutionRequest | undefined;
    observeWrite(request: ResolutionRequest): void;
  };
  policies: { list(): VerificationPolicy[] };
  patience: Patience;
  settings: () => Settings;
  kms?: KmsKeys | undefined;
  clock: Clock;
}

type RemoteNeed = DefinitionNeed & { reference: RemoteReference };

/** How long a verdict counts for a run that asks again: policies and keys may have changed. */
const verdictMs = 30_000;

/**
 * Answers remote references through ResolutionRequests, as upstream's controller does: one request for each reference
 * of a run, named by both, owned by the run. Who answers it has the run looked at again. What comes back is read,
 * defaulted, validated, converted and checked against the policies for trusted resources before it is used.
 */
export function createRemoteSupplier(options: SupplierOptions) {
  const answers = new AnswerReader(options);
  const resolvedBy = async (request: ResolutionRequest, need: RemoteNeed, signal: AbortSignal): Promise<Resolved> => {
    const { reference, namespace } = need;
    const { name = '' } = request.metadata;
    if (!asksFor(request, reference))
      return failed(
        'Invalid',
        `ResolutionRequest ${name} asks for something else than the reference, though it has its name; delete it`,
      );
    const condition = succeededCondition(request);
    if (condition?.status === 'False')
      return failed('Failed', `error requesting remote resource: ${condition.message ?? ''}`);
    if (condition?.status !== 'True' && !request.status?.data) return { kind: 'resolving', request: name };
    return answered(await answers.read(request, reference.ofKind, signal), namespace, options, signal);
  };
  return async (need: RemoteNeed, requester: Requester, signal: AbortSignal): Promise<Resolved> => {
    const { resolver, params, url } = need.reference;
    const { namespace } = need;
    const name = requestName({ resolver, namespace, name: need.requestName, params, url });
    const known = options.requests.find(namespace, name);
    if (known !== undefined) return resolvedBy(known, need, signal);
    const failure = await create(need, { name, requester }, options, signal);
    if (failure !== undefined) return failure;
    const answer = await options.patience(runKey(requester), { namespace, name }, signal);
    return answer === undefined ? { kind: 'resolving', request: name } : resolvedBy(answer, need, signal);
  };
}

function runKey({ kind, namespace, name }: Requester): string {
  return `${kind} ${joinKey(namespace, name)}`;
}

function failed(reason: Failure['reason'], message: string): Failure {
  return { kind: 'failed', reason, message };
}

/** Names are hashes that anybody can compute: a request that somebody made under it for another thing is not ours. */
function asksFor({ metadata, spec }: ResolutionRequest, { resolver, params, url = '' }: RemoteReference): boolean {
  return (
    metadata.labels?.[resolverTypeLabel] === resolver &&
    isDeepStrictEqual(spec?.params ?? [], params) &&
    (spec?.url ?? '') === url
  );
}

/** Undefined: it is made, or was there already though the cache has not seen it. */
async function create(
  { reference: { resolver, params, url }, namespace }: RemoteNeed,
  { name, requester }: { name: string; requester: Requester },
  { client, requests }: SupplierOptions,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { apiVersion, kind, name: owner, uid } = requester;
  const request: ResolutionRequest = {
    apiVersion: 'resolution.tekton.dev/v1beta1',
    kind: 'ResolutionRequest',
    metadata: {
      name,
      namespace,
      labels: { [resolverTypeLabel]: resolver },
      ownerReferences: [{ apiVersion, kind, name: owner, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: { ...(params.length > 0 ? { params: [...params] } : {}), ...(url ? { url } : {}) },
  };
  try {
    // Before the watch tells of it: a run that is planned again at once would ask a second time.
    requests.observeWrite(await client.create(resolutionRequests, request, { signal }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isAlreadyExists) return undefined;
    if (error.isForbidden || error.status === 400 || error.status === 422)
      return failed('Failed', `error requesting remote resource: ${error.message}`);
    throw error;
  }
  return undefined;
}

async function answered(
  { answer, read }: ReadAnswer,
  namespace: string,
  options: SupplierOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  if (read.kind === 'failed') return read;
  const verdict = await verdictOf({ answer, found: read.found }, namespace, options, signal);
  if (verdict?.kind === 'failed') return verdict;
  return {
    kind: 'found',
    definition: read.definition,
    ...(answer.refSource ? { refSource: answer.refSource } : {}),
    ...(verdict ? { verdict } : {}),
  };
}

/** What policies say; undefined when none is about it. */
async function verdictOf(
  { answer, found }: { answer: Answer; found: ReadDefinition['found'] },
  namespace: string,
  { client, policies, settings, kms, clock }: SupplierOptions,
  signal: AbortSignal,
): Promise<Verdict | Failure | undefined> {
  const now = clock.now().getTime();
  if (answer.verdict !== undefined && now - answer.verdict.at < verdictMs) return answer.verdict.verdict;
  const judged = await verifyDefinition({
    definition: found,
    uri: answer.refSource?.uri ?? '',
    policies: policies.list().filter(({ metadata }) => metadata.namespace === namespace),
    noMatch: settings().flags.verificationNoMatchPolicy,
    keysOf: (policy) => keysOfPolicy(policy, { client, kms }, signal),
  });
  const verdict =
    judged.kind === 'skipped' ? undefined : judged.kind === 'failed' ? failed('Untrusted', judged.message) : judged;
  answer.verdict = { verdict, at: now };
  return verdict;
}
