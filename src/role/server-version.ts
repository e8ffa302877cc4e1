import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { ApiError, type KubeClient } from '../kube/client.ts';
import { isOlder, isVersion, serverVersion } from '../kube/server-version.ts';
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
  if (!isVersion(least))
    throw new ServerVersionError(`KUBERNETES_MIN_VERSION is ${JSON.stringify(least)}; write a version such as v1.28.0`);
  const check = async () => {
    const found = await serverVersion(client, end);
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
