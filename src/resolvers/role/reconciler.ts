import {
  resolutionRequests,
  type ResolutionRequest,
  type ResolutionRequestStatus,
} from '../../api/resolution/resolution-request.ts';
import type { Clock } from '../../clock.ts';
import { isConflict, isNotFound, type KubeClient } from '../../kube/client.ts';
import type { Outcome } from '../../kube/controller.ts';
import { ageMs, failedStatus, isNews, isResolved, resolutionReasons, resolvedStatus } from '../contract/status.ts';
import type { ResolutionCache } from '../cache/cache.ts';
import { paramsOf } from '../params.ts';
import { execute, ResolutionTimeout } from '../executor.ts';
import { InvalidRequest, ResolutionError, largestDefinition, type Resolver } from '../resolver.ts';
import type { ResolverSettings } from './settings.ts';

export interface ReconcilerOptions {
  resolver: Resolver;
  client: Pick<KubeClient, 'get' | 'patch'>;
  requests: { get(key: string): ResolutionRequest | undefined };
  settings: Pick<ResolverSettings, 'isEnabled' | 'config'>;
  cache: ResolutionCache;
  clock: Clock;
}

/** Answers ResolutionRequests of one resolver, each with one write of its status: data and condition, or a failure. */
export function createRequestReconciler(options: ReconcilerOptions) {
  return async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const request = options.requests.get(key);
    // Data without a condition: another resolver answered, and the controller will say so.
    if (request === undefined || isNews(request) || request.metadata.deletionTimestamp) return { kind: 'skip' };
    const answer = await answerTo(request, options, signal);
    // A fetch takes its time: what the controller wrote meanwhile would be a conflict.
    const latest = options.requests.get(key);
    if (latest !== undefined && latest.metadata.uid === request.metadata.uid && !isNews(latest))
      await write(latest, answer, options, signal);
    return { kind: 'done' };
  };
}

async function answerTo(
  request: ResolutionRequest,
  options: ReconcilerOptions,
  signal: AbortSignal,
): Promise<ResolutionRequestStatus> {
  const { resolver, settings, clock } = options;
  const { namespace = '', name } = request.metadata;
  const key = `${namespace}/${name}`;
  const failed = (message: string, reason: string = resolutionReasons.failed) =>
    failedStatus(reason, shortened(message), clock.now());
  const invalid = (message: string) => failed(`invalid resource request "${key}": ${message}`);
  if (!settings.isEnabled(resolver.type))
    return invalid(
      `cannot handle resolution request, enable-${resolver.type}-resolver feature flag not true; an operator can set it in ConfigMap resolvers-feature-flags`,
    );
  const getting = `error getting "${resolver.title}" "${key}": `;
  try {
    const definition = await fetchDefinition(request, options, signal);
    if (definition.data.length > largestDefinition)
      return failed(
        `${getting}the definition has ${definition.data.length} bytes; at most ${largestDefinition} can be handed on`,
      );
    return resolvedStatus(definition, clock.now());
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof InvalidRequest) return invalid(error.message);
    if (error instanceof ResolutionTimeout) return failed(`${getting}${error.message}`, resolutionReasons.timedOut);
    if (error instanceof ResolutionError) return failed(`${getting}${error.message}`);
    throw error;
  }
}

async function fetchDefinition(
  request: ResolutionRequest,
  { resolver, settings, cache, clock }: ReconcilerOptions,
  signal: AbortSignal,
) {
  const { metadata, spec } = request;
  const asked = {
    namespace: metadata.namespace ?? '',
    params: paramsOf(resolver.type, spec?.params ?? [], spec?.url),
  };
  const config = settings.config(resolver);
  const spentMs = ageMs(request, clock.now());
  return execute({ resolver, request: asked, config, spentMs }, { cache, clock }, signal);
}

const longestMessage = 4096;

/** Parts of references are in messages, and references may be as long as objects. */
function shortened(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}...` : message;
}

/** Someone else wrote in between so many times: the queue tries again later. */
const mostConflicts = 3;

/** The first answer counts: a request that was answered meanwhile, or is gone, is left as it is. */
async function write(
  request: ResolutionRequest,
  status: ResolutionRequestStatus,
  { client }: ReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = '' } = request.metadata;
  const resource = resolutionRequests;
  let { resourceVersion } = request.metadata;
  for (let conflicts = 0; ; conflicts += 1) {
    try {
      const body = { metadata: { resourceVersion }, status };
      await client.patch(resource, namespace, name, { type: 'merge', body, subresource: 'status', signal });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isConflict(error) || conflicts >= mostConflicts) throw error;
    }
    // The controller marks requests that wait; what was fetched is still the answer.
    const latest = await client.get(resource, namespace, name, { signal }).catch(gone);
    if (latest === undefined || isResolved(latest) || latest.metadata.uid !== request.metadata.uid) return;
    resourceVersion = latest.metadata.resourceVersion;
  }
}

function gone(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
