import type { Clock } from '../../clock.ts';
import type { RegistryCredentials } from '../keychain.ts';
import { remember } from '../remember.ts';

export interface IssuedCredentials {
  credentials: RegistryCredentials;
  /** When they end; undefined: ask again each time (the SDK keeps them itself). */
  expiresAt?: Date;
}

/** Gets credentials for a cloud's registries from the identity of this process (workload identity, instance role). */
export interface CloudHelper {
  /** For messages: `ECR`. */
  readonly name: string;
  serves(host: string): boolean;
  issue(host: string, signal: AbortSignal): Promise<IssuedCredentials>;
}

const marginMs = 5 * 60_000;

/** Asks a helper once for all who want the same, and again shortly before what it gave ends. */
export function remembering(helper: CloudHelper, clock: Clock): CloudHelper {
  const issued = new Map<string, Promise<IssuedCredentials>>();
  return {
    name: helper.name,
    serves: (host) => helper.serves(host),
    issue(host, signal) {
      const isGood = ({ expiresAt }: IssuedCredentials) =>
        expiresAt !== undefined && expiresAt.getTime() - marginMs > clock.now().getTime();
      return remember(issued, host, isGood, () => helper.issue(host, signal));
    },
  };
}
