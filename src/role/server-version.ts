import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { ApiError, type KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { Environment } from './flags.ts';

/** The oldest Kubernetes whose API server has what the chart installs: CEL rules with fieldPath, matchConditions. */
export const OLDEST_SERVER = 'v1.28.0';

/** An API server that the suite does not run with, or a wrong word for which it does. */
export class ServerVersionError extends Error {
  override name = 'ServerVersionError';
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

export interface VersionCheck {
  client: Pick<KubeClient, 'raw'>;
  env: Environment;
  log: Logger;
  clock: Pick<Clock, 'sleep'>;
}

/**
 * Refuses an API server that is older than KUBERNETES_MIN_VERSION, upstream's variable, before any work is begun. One
 * that cannot be reached is asked again until the end; one that does not say its version is taken as it is.
 * @throws ServerVersionError
 */
export async function checkServerVersion({ client, env, log, clock }: VersionCheck, end: AbortSignal): Promise<void> {
  const least = env['KUBERNETES_MIN_VERSION'] || OLDEST_SERVER;
  if (!numbersOf(least))
    throw new ServerVersionError(`KUBERNETES_MIN_VERSION is ${JSON.stringify(least)}; write a version such as v1.28.0`);
  for (let wait = FIRST_RETRY_MS; ; wait = Math.min(wait * 2, LONGEST_RETRY_MS)) {
    try {
      const found = gitVersionOf(await client.raw('GET', '/version', { signal: end }));
      if (found === undefined) log.warn('the API server does not say its version: it is not checked');
      else if (isOlder(found, least)) throw new ServerVersionError(refusal(found, least));
      return;
    } catch (error) {
      if (end.aborted || error instanceof ServerVersionError) throw error;
      if (error instanceof ApiError && error.status < 500) {
        log.warn({ error: messageOf(error) }, "the API server's version cannot be read: it is not checked");
        return;
      }
      log.warn({ error: messageOf(error) }, 'the API server cannot be asked for its version; trying again');
    }
    await clock.sleep(wait, end);
  }
}

function refusal(found: string, least: string): string {
  return `the API server is Kubernetes ${found}, older than ${least}: upgrade the cluster, or set the variable KUBERNETES_MIN_VERSION to try it all the same`;
}

/** `gitVersion` of /version; undefined for what is none. */
function gitVersionOf(text: string): string | undefined {
  try {
    const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
    return typeof gitVersion === 'string' && numbersOf(gitVersion) ? gitVersion.slice(0, 100) : undefined;
  } catch {
    // No JSON, or null: whoever answered is no API server that we know.
    return undefined;
  }
}

/** Only the three numbers count: distributions add words of their own (`v1.29.1-eks-508b6b3`). */
function numbersOf(version: string): number[] | undefined {
  const [, major, minor, patch = '0'] = /^v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?!\d)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : [major, minor, patch].map(Number);
}

/** Whether one version is older than another; a text that is none is never older. */
export function isOlder(version: string, than: string): boolean {
  const left = numbersOf(version);
  const right = numbersOf(than);
  if (!left || !right) return false;
  const differs = left.findIndex((number, index) => number !== right[index]);
  return differs >= 0 && (left[differs] ?? 0) < (right[differs] ?? 0);
}
