import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { RefSource } from '../../api/meta.ts';
import {
  resolutionRequests,
  resolverTypeLabel,
  type ResolutionRequest,
} from '../../api/resolution/resolution-request.ts';
import type { VerificationPolicy } from '../../api/resolution/verification-policy.ts';
import type { Clock } from '../../clock.ts';
import type { DefinitionNeed } from '../../core/need.ts';
import type { DefinitionKind, RemoteReference } from '../../core/reference/reference.ts';
import type { Resolved, Verdict } from '../../core/reference/resolved.ts';
import type { Settings } from '../../core/settings.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { requestName } from '../contract/name.ts';
import { isResolved, succeededCondition } from '../contract/status.ts';
import { largestDefinition } from '../resolver.ts';
import { verifyDefinition } from '../trust/verify.ts';
import { keysOfPolicy, type KmsKeys } from './policies.ts';
import { readDefinition, UnusableDefinition, type ReadDefinition } from './read-definition.ts';

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
  requests: { find(namespace: string | undefined, name: string): ResolutionRequest | undefined };
  policies: { list(): VerificationPolicy[] };
  settings: () => Settings;
  kms?: KmsKeys | undefined;
  clock: Clock;
}

type RemoteNeed = DefinitionNeed & { reference: RemoteReference };
type Failure = Extract<Resolved, { kind: 'failed' }>;

/** Definitions that were read, by their request; a run asks for the same one whenever it is planned. */
const mostKept = 2_000;
const keptBytes = 64 * 1024 * 1024;
/** How long a verdict counts for a run that asks again: policies and keys may have changed. */
const verdictMs = 30_000;

interface Kept {
  /** Of the settings that it was validated with. */
  settings: Settings;
  version: string | undefined;
  read: ReadDefinition | Failure;
  refSource: RefSource | undefined;
  verdict?: { verdict: Verdict | Failure | undefined; at: number };
}

/**
 * Answers remote references through ResolutionRequests, as upstream's controller does: one request for each reference
 * of a run, named by both, owned by the run. Who answers it has the run looked at again. What comes back is read,
 * defaulted, validated, converted and checked against the policies for trusted resources before it is used.
 */
export function createRemoteSupplier(options: SupplierOptions) {
  const kept = new LRUCache<string, Kept>({
    max: mostKept,
    maxSize: keptBytes,
    sizeCalculation: ({ read }) => (read.kind === 'read' ? read.bytes : 0) + 1024,
  });
  return async (need: RemoteNeed, requester: Requester, signal: AbortSignal): Promise<Resolved> => {
    const { reference, namespace } = need;
    const { resolver, params, url } = reference;
    const name = requestName({ resolver, namespace, name: need.requestName, params, url });
    const request = options.requests.find(namespace, name);
    if (request === undefined) return create(need, name, requester, options, signal);
    if (!asksFor(request, reference))
      return failed(
        'Invalid',
        `ResolutionRequest ${name} asks for something else than the reference, though it has its name; delete it`,
      );
    const condition = succeededCondition(request);
    if (condition?.status === 'False')
      return failed('Failed', `error requesting remote resource: ${condition.message ?? ''}`);
    if (condition?.status !== 'True' && !request.status?.data) return { kind: 'resolving', request: name };
    return answered(request, need, kept, options, signal);
  };
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

async function create(
  { reference: { resolver, params, url }, namespace }: RemoteNeed,
  name: string,
  { apiVersion, kind, name: owner, uid }: Requester,
  { client }: SupplierOptions,
  signal: AbortSignal,
): Promise<Resolved> {
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
    await client.create(resolutionRequests, request, { signal });
  } catch (error) {
    // The cache has not seen it yet: whoever answers it has the run looked at again.
    if (!(error instanceof ApiError)) throw error;
    if (error.isAlreadyExists) return { kind: 'resolving', request: name };
    if (error.isForbidden || error.status === 400 || error.status === 422)
      return failed('Failed', `error requesting remote resource: ${error.message}`);
    throw error;
  }
  return { kind: 'resolving', request: name };
}

async function answered(
  request: ResolutionRequest,
  need: RemoteNeed,
  cache: LRUCache<string, Kept>,
  options: SupplierOptions,
  signal: AbortSignal,
): Promise<Resolved> {
  const settings = options.settings();
  const key = `${request.metadata.uid} ${need.reference.ofKind}`;
  let kept = cache.get(key);
  if (kept === undefined || kept.settings !== settings || kept.version !== request.metadata.resourceVersion) {
    kept = await readAnswer(request, need, settings, options, signal);
    cache.set(key, kept);
  }
  const { read, refSource } = kept;
  if (read.kind === 'failed') return read;
  const verdict = await verdictOf(kept, read, need.namespace, options, signal);
  if (verdict?.kind === 'failed') return verdict;
  return {
    kind: 'found',
    definition: read.definition,
    ...(refSource ? { refSource } : {}),
    ...(verdict ? { verdict } : {}),
  };
}

/** The cache does not keep the data of requests for long: then it is read once more. */
async function readAnswer(
  request: ResolutionRequest,
  { reference: { ofKind } }: RemoteNeed,
  settings: Settings,
  { client }: SupplierOptions,
  signal: AbortSignal,
): Promise<Kept> {
  const { namespace, name = '', resourceVersion: version } = request.metadata;
  const whole = request.status?.data ? request : await client.get(resolutionRequests, namespace, name, { signal });
  const { data = '', refSource, source } = whole.status ?? {};
  const read = readData(data, ofKind, settings);
  return { settings, version, read, refSource: refSource ?? source ?? undefined };
}

function readData(data: string, ofKind: DefinitionKind, settings: Settings): Kept['read'] {
  if (data.length > 2 * largestDefinition)
    return failed('Failed', `error accessing data from remote resource: it has more than ${largestDefinition} bytes`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data))
    return failed('Failed', 'error accessing data from remote resource: error decoding data from base64');
  try {
    return readDefinition(Buffer.from(data, 'base64'), ofKind, settings);
  } catch (error) {
    if (error instanceof UnusableDefinition) return failed('Failed', error.message);
    throw error;
  }
}

/** What policies say; undefined when none is about it. */
async function verdictOf(
  kept: Kept,
  { found }: Extract<Kept['read'], { kind: 'read' }>,
  namespace: string,
  { client, policies, settings, kms, clock }: SupplierOptions,
  signal: AbortSignal,
): Promise<Verdict | Failure | undefined> {
  const now = clock.now().getTime();
  if (kept.verdict !== undefined && now - kept.verdict.at < verdictMs) return kept.verdict.verdict;
  const judged = await verifyDefinition({
    definition: found,
    uri: kept.refSource?.uri ?? '',
    policies: policies.list().filter(({ metadata }) => metadata.namespace === namespace),
    noMatch: settings().flags.verificationNoMatchPolicy,
    keysOf: (policy) => keysOfPolicy(policy, { client, kms }, signal),
  });
  const verdict =
    judged.kind === 'skipped' ? undefined : judged.kind === 'failed' ? failed('Untrusted', judged.message) : judged;
  kept.verdict = { verdict, at: now };
  return verdict;
}

/** Whether a request that changed is news to who waits for it. */
export function isNews(request: ResolutionRequest): boolean {
  return isResolved(request) || Boolean(request.status?.data);
}
