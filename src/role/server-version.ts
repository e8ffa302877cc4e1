import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { ApiError, type KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { Environment } from './flags.ts';
import { untilDone } from './until-done.ts';

/** The oldest Kubernetes whose API server has what the chart installs: CEL rules with fieldPath, matchConditions. */
export const OLDEST_SERVER = 'v1.28.0';

/** An API server that the suite does not run with, or a wrong word for which it does. */
export class ServerVersionError extends Error {
  override name = 'ServerVersionError';
}

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
  const check = async () => {
    const found = gitVersionOf(await client.raw('GET', '/version', { signal: end }));
    if (found === undefined) return 'the API server does not say its version: it is not checked';
    if (isOlder(found, least)) throw new ServerVersionError(refusal(found, least));
    return undefined;
  };
  const unlessRefused = (error: unknown) => {
    if (!(error instanceof ApiError && error.status < 500)) throw error;
    return `the API server's version cannot be read: it is not checked: ${messageOf(error)}`;
  };
  const onFailure = (error: unknown) => {
    if (error instanceof ServerVersionError) throw error;
    log.warn({ error: messageOf(error) }, 'the API server cannot be asked for its version; trying again');
  };
  const doubt = await untilDone(() => check().catch(unlessRefused), { clock, end, onFailure });
  if (doubt !== undefined) log.warn(doubt);
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
