import { elapsedScale, type Clock } from '../clock.ts';
import { abortable, withDeadline } from '../http/deadline.ts';
import { formatDuration } from '../duration.ts';
import { backoffOf, pauseAfter, type Backoff } from './backoff.ts';
import type { ResolutionCache } from './cache/cache.ts';
import { usesCache } from './cache/mode.ts';
import {
  ResolutionError,
  type ConfigData,
  type Request,
  type ResolvedDefinition,
  type Resolver,
  type UnlockedRequest,
} from './resolver.ts';

/** A resolution that did not come to an end within its time. */
export class ResolutionTimeout extends Error {
  override name = 'ResolutionTimeout';
}

export interface ExecutorOptions {
  cache: ResolutionCache;
  clock: Clock;
  random?: () => number;
}

export interface Execution {
  resolver: Resolver;
  request: Request;
  config: ConfigData;
  /** Milliseconds of the time limit that have gone by already. */
  spentMs: number;
}

/** Told before the controller's own time limit: a failure with its cause is better than one without. */
const marginMs = 2_000;
const leastMs = 1_000;
/** How long a server may be away until an older copy, where there is one, serves in its place. */
const patienceMs = 3_000;

/**
 * Resolves a request: params, credentials, cache, fetch. A server that is away is asked again with growing pauses until
 * the time limit.
 * @throws InvalidRequest, ResolutionError, ResolutionTimeout; the signal's reason when aborted.
 */
export async function execute(
  { resolver, request, config, spentMs }: Execution,
  options: ExecutorOptions,
  signal: AbortSignal,
): Promise<ResolvedDefinition> {
  const prepared = resolver.prepare(request, config);
  const keep = usesCache(request.params, config, prepared.immutable);
  const limitMs = resolver.timeoutMs(request.params, config);
  const ms = Math.max(leastMs, limitMs - spentMs - marginMs);
  const backoff = backoffOf(config);
  const state: { last?: string } = {};
  const late = () => {
    const last = state.last === undefined ? '' : `; the last failure: ${state.last}`;
    return new ResolutionTimeout(
      `resolution took longer than the time limit of ${formatDuration(limitMs)} (fetch-timeout in ConfigMap ${resolver.configName})${last}`,
    );
  };
  // A fetch may serve several requests: the end of one does not end it.
  const alone = new AbortController();
  return withDeadline({ ms, signal, late }, async (bounded) => {
    const unlocked = await prepared.unlock(bounded);
    const fetch = (isReplaceable: boolean) =>
      withDeadline({ ms, signal: alone.signal, late }, (inner) =>
        fetchPatiently(unlocked, { state, backoff, patienceMs: isReplaceable ? patienceMs : ms }, options, inner),
      );
    const { cacheKey: key, immutable } = prepared;
    const { credentials } = unlocked;
    return abortable(options.cache.resolve({ type: resolver.type, key, credentials, keep, immutable, fetch }), bounded);
  });
}

interface Patience {
  state: { last?: string };
  backoff: Backoff;
  patienceMs: number;
}

async function fetchPatiently(
  unlocked: UnlockedRequest,
  { state, backoff, patienceMs: most }: Patience,
  { clock, random = Math.random }: ExecutorOptions,
  signal: AbortSignal,
): Promise<ResolvedDefinition> {
  const endsAt = elapsedScale(clock) + most;
  for (let tries = 1; ; tries += 1) {
    try {
      return await unlocked.fetch(signal);
    } catch (error) {
      signal.throwIfAborted();
      const ms = pauseAfter(backoff, tries, random());
      if (!(error instanceof ResolutionError && error.retryable)) throw error;
      if (ms === undefined || elapsedScale(clock) + ms > endsAt) throw error;
      state.last = error.message;
      await clock.sleep(ms, signal);
    }
  }
}
