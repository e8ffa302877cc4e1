import { elapsedScale, type Clock } from '../../clock.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { isOlder, serverVersion } from '../../kube/server-version.ts';

/** From here on they are there unless somebody turned them off (feature gate SidecarContainers). */
const firstWithThem = 'v1.29.0';
/** A cluster that is being upgraded has them soon. */
const askAgainMs = 60_000;

/**
 * Whether the API server has native sidecars, by its version; asked when a run first wants one. Yes is remembered for
 * good, no for a minute. A server that does not say its version, or to nobody of us, is taken to be a new one.
 * @returns rejects where the server cannot be asked now
 */
export function nativeSidecarsOf(
  client: Pick<KubeClient, 'raw'>,
  clock: Clock,
): (signal: AbortSignal) => Promise<boolean> {
  let known: { has: boolean; at: number } | undefined;
  return async (signal) => {
    const now = elapsedScale(clock);
    if (known && (known.has || now - known.at < askAgainMs)) return known.has;
    const version = await serverVersion(client, signal).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.isForbidden)) throw error;
      return undefined;
    });
    known = { has: version === undefined || !isOlder(version, firstWithThem), at: now };
    return known.has;
  };
}
