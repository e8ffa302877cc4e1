import { systemClock, type Clock } from '../clock.ts';
import type { ImageCredentials } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import { found, type KubeClient } from '../kube/client.ts';
import { secrets, serviceAccounts, type Secret } from '../kube/resources.ts';
import type { CloudHelper } from '../registry/cloud/helper.ts';
import {
  entryFor,
  keychainOfAnnotatedSecret,
  keychainOfSecret,
  type KeychainSource,
  type RegistryCredentials,
} from '../registry/keychain.ts';
import { remember } from '../registry/remember.ts';

export interface FoundCredentials {
  /** Undefined: anonymous. */
  credentials: RegistryCredentials | undefined;
  /** Where they are from, for messages; or where they were looked for in vain. */
  origin: string;
}

/** The credentials of one account. */
export interface AccountCredentials {
  /**
   * For a repository, the first of: the ServiceAccount's `secrets`, its imagePullSecrets and the pod's, the docker
   * config of this process, the cloud's own identity. Within a list the most specific entry.
   * @throws when the API server does not answer.
   */
  find(host: string, repository: string, signal: AbortSignal): Promise<FoundCredentials>;
  /** For who was denied: what was used or missing, and what to do. */
  explain(host: string, repository: string, signal: AbortSignal): Promise<string>;
  /**
   * Drops what is remembered of the account. True when that was from before this use, so that looking again may help.
   */
  forget(): boolean;
}

export interface CredentialSource {
  of(asker: ImageCredentials): AccountCredentials;
}

export interface CredentialSourceOptions {
  client: Pick<KubeClient, 'get'>;
  /** Credentials of this process's docker config. */
  dockerConfig?: (host: string, repository: string, signal: AbortSignal) => Promise<RegistryCredentials | undefined>;
  helpers?: readonly CloudHelper[];
  clock?: Clock;
  /** How long secrets are remembered; default 30 s. */
  rememberMs?: number;
}

/** What the cluster holds for an account. */
interface Holdings {
  /** In the order of precedence. */
  lists: KeychainSource<string>[][];
  /** What was looked at, and what was wrong with it. */
  looked: string;
  problems: string[];
  readAt: number;
}

const mostRemembered = 1000;

/** Finds registry credentials for runs. Kept for a short while, as runs of one account come in bursts. */
export function createCredentialSource(options: CredentialSourceOptions): CredentialSource {
  const clock = options.clock ?? systemClock;
  const remembered = new Map<string, Promise<Holdings>>();
  const rememberMs = options.rememberMs ?? 30_000;

  const holdings = (key: string, asker: ImageCredentials, signal: AbortSignal): Promise<Holdings> => {
    if (remembered.size >= mostRemembered && !remembered.has(key))
      remembered.delete(remembered.keys().next().value as string);
    const isGood = (held: Holdings) => clock.now().getTime() - held.readAt < rememberMs;
    return remember(remembered, key, isGood, () => readHoldings(options.client, asker, clock, signal));
  };

  return {
    of(asker) {
      const key = JSON.stringify([asker.namespace, asker.serviceAccountName, ...asker.imagePullSecrets]);
      const wasKnown = remembered.has(key);
      let forgotten = false;
      const find = async (host: string, repository: string, signal: AbortSignal): Promise<FoundCredentials> => {
        const held = await holdings(key, asker, signal);
        for (const list of held.lists) {
          const entry = entryFor(list, host, repository);
          if (entry) return entry;
        }
        return findElsewhere(options, held, { host, repository }, signal);
      };
      return {
        find,
        async explain(host, repository, signal) {
          const { credentials, origin } = await find(host, repository, signal);
          if (credentials)
            return `the credentials are those of ${origin}: they must be allowed to push to ${host}/${repository}`;
          return `no credentials for ${host} in ${origin}; add a secret of type kubernetes.io/dockerconfigjson for ${host} to the secrets of ServiceAccount ${asker.namespace}/${asker.serviceAccountName}`;
        },
        forget() {
          if (!wasKnown || forgotten) return false;
          forgotten = true;
          remembered.delete(key);
          return true;
        },
      };
    },
  };
}

async function findElsewhere(
  options: CredentialSourceOptions,
  held: Holdings,
  { host, repository }: { host: string; repository: string },
  signal: AbortSignal,
): Promise<FoundCredentials> {
  const problems = [...held.problems];
  const looked = [held.looked, "the controller's docker config"];
  const fromConfig = await options.dockerConfig?.(host, repository, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    problems.push(messageOf(error));
    return undefined;
  });
  if (fromConfig) return { credentials: fromConfig, origin: "the controller's docker config" };
  for (const helper of (options.helpers ?? []).filter((one) => one.serves(host))) {
    try {
      return {
        credentials: (await helper.issue(host, signal)).credentials,
        origin: `the controller's own identity (${helper.name})`,
      };
    } catch (error) {
      signal.throwIfAborted();
      looked.push(`the controller's own identity (${helper.name})`);
      problems.push(`${helper.name}: ${messageOf(error)}`);
    }
  }
  return {
    credentials: undefined,
    origin: looked.join(', ') + (problems.length > 0 ? ` (${problems.join('; ')})` : ''),
  };
}

async function readHoldings(
  client: Pick<KubeClient, 'get'>,
  asker: ImageCredentials,
  clock: Clock,
  signal: AbortSignal,
): Promise<Holdings> {
  const { namespace, serviceAccountName } = asker;
  const account = await found(client.get(serviceAccounts, namespace, serviceAccountName, { signal }));
  const problems = account ? [] : [`ServiceAccount ${namespace}/${serviceAccountName} does not exist`];
  const named = namesOf(account?.secrets);
  const pulled = [...new Set([...namesOf(account?.imagePullSecrets), ...asker.imagePullSecrets])];
  const read = async (names: string[], list: string): Promise<KeychainSource<string>[]> =>
    (
      await Promise.all(
        names.map(async (name) =>
          sourceOf(
            await found(client.get(secrets, namespace, name, { signal })),
            `${namespace}/${name}`,
            `${list} of ServiceAccount ${namespace}/${serviceAccountName}`,
            problems,
          ),
        ),
      )
    ).flat();
  const lists = [
    await read(named, 'secrets'),
    await read(
      pulled.filter((name) => !named.includes(name)),
      'imagePullSecrets',
    ),
  ];
  const text = (names: string[]) => (names.length > 0 ? names.join(', ') : 'none');
  const looked = `secrets (${text(named)}) and imagePullSecrets (${text(pulled)}) of ServiceAccount ${namespace}/${serviceAccountName}`;
  return { lists, looked, problems, readAt: clock.now().getTime() };
}

function namesOf(references: readonly { name?: string }[] | undefined): string[] {
  return [...new Set((references ?? []).flatMap(({ name }) => (name ? [name] : [])))];
}

/** A secret that is missing or unreadable is passed over, as kubelet does, but not forgotten. */
function sourceOf(
  secret: Secret | undefined,
  name: string,
  list: string,
  problems: string[],
): KeychainSource<string>[] {
  if (!secret) {
    problems.push(`secret ${name} does not exist`);
    return [];
  }
  try {
    const keychain = new Map([...keychainOfSecret(secret.data), ...keychainOfAnnotatedSecret(secret)]);
    return [{ keychain, origin: `secret ${name} (${list})` }];
  } catch (error) {
    problems.push(`secret ${name}: ${messageOf(error)}`);
    return [];
  }
}
