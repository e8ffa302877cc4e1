import type { LeaderElectionConfig } from '../../api/config/config-leader-election.ts';
import { isNotFound, type KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { Informer } from '../../kube/informer.ts';
import { configMaps, secrets, type ConfigMap, type Secret } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import type { Logger } from '../../log.ts';
import { withoutUserinfo } from '../../redact.ts';
import { electionSettings } from '../../role/election-settings.ts';
import type { ConfigProblem } from '../../api/config/values.ts';
import { parseChainsConfig } from '../config/parse.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { signingSecretName, type SigningSecret } from '../signing/file-key.ts';

/** Names of what is read in the role's own namespace. */
const chainsConfigName = 'chains-config';

export interface SettingsSource {
  configMaps: Pick<Store<ConfigMap>, 'find' | 'subscribe'>;
  namespace: string;
  events: Pick<EventRecorder, 'event'>;
  log: Logger;
}

/**
 * chains-config as it is now. A bad value keeps its default and is told by name, in the log and in an event on the map;
 * the other keys count.
 */
export class ChainsSettings {
  readonly #source: SettingsSource;
  readonly #listeners = new Set<() => void>();
  #current: ChainsConfig;

  constructor(source: SettingsSource) {
    this.#source = source;
    this.#current = this.#read();
    source.configMaps.subscribe(({ object, type, old }) => {
      if (object.metadata.name !== chainsConfigName || object.metadata.namespace !== source.namespace) return;
      if (type === 'updated' && JSON.stringify(old?.data) === JSON.stringify(object.data)) return;
      this.#current = this.#read();
      source.log.info({ configMap: chainsConfigName, change: type }, 'settings read again');
      for (const listener of this.#listeners) listener();
    });
  }

  current(): ChainsConfig {
    return this.#current;
  }

  /** Calls the listener after each change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Buckets and periods. */
  leaderElection(name: string): LeaderElectionConfig {
    const map = this.#source.configMaps.find(this.#source.namespace, name);
    const { leaderElection, problems } = electionSettings(map?.data);
    this.#report(map, problems);
    return leaderElection;
  }

  #read(): ChainsConfig {
    const map = this.#source.configMaps.find(this.#source.namespace, chainsConfigName);
    const { config, problems } = parseChainsConfig(map?.data);
    this.#report(map, problems);
    return config;
  }

  #report(map: ConfigMap | undefined, problems: readonly ConfigProblem[]): void {
    if (!map) return;
    // Never the value: who mistyped a key may have meant it for a password. What a message quotes is of known keys.
    for (const { key, message: whole } of problems) {
      const message = withoutUserinfo(whole);
      this.#source.log.warn({ configMap: map.metadata.name, key }, message);
      this.#source.events.event(
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: map.metadata },
        'Warning',
        'InvalidConfiguration',
        message,
      );
    }
  }
}

export interface OwnNamespace {
  settings: ChainsSettings;
  configMaps: SettingsSource['configMaps'];
  /** The data of Secret signing-secrets, decoded; empty when it does not exist. */
  secret: () => SigningSecret;
  /** Calls the listener after each change of either. */
  onChange: (listener: () => void) => void;
  /** Ends with the signal; rejects on a defect. */
  running: Promise<void>;
}

interface Watching {
  client: KubeClient;
  namespace: string;
  /** False when keys are read from files. */
  watchSecret: boolean;
  events: EventRecorder;
  log: Logger;
}

/** Watches the ConfigMaps and the signing Secret of the role's own namespace, and waits for the first reading. */
export async function watchOwnNamespace(
  { client, namespace, watchSecret, events, log }: Watching,
  signal: AbortSignal,
): Promise<OwnNamespace> {
  const maps = new Informer<ConfigMap>({ client, resource: configMaps, namespace, log });
  // The one Secret by name: the role has no right to see others here.
  const secret = watchSecret
    ? new Informer<Secret>({
        client,
        resource: secrets,
        namespace,
        fieldSelector: `metadata.name=${signingSecretName}`,
        log,
      })
    : undefined;
  const running = Promise.all([maps.run(signal), secret?.run(signal)]).then(() => {
    /* both ended */
  });
  await Promise.race([Promise.all([maps.synced(signal), secret?.synced(signal)]), running]);
  const settings = new ChainsSettings({ configMaps: maps.store, namespace, events, log });
  return {
    settings,
    configMaps: maps.store,
    onChange: (listener) => {
      settings.onChange(listener);
      secret?.store.subscribe(listener);
    },
    secret: () => decoded(secret?.store.find(namespace, signingSecretName)),
    running,
  };
}

/** The data of a Secret beside signing-secrets that a namespace's key is in (signing.namespaces); empty without it. */
export async function readOtherSecret(
  client: Pick<KubeClient, 'get'>,
  namespace: string,
  name: string,
): Promise<SigningSecret> {
  try {
    return decoded(await client.get(secrets, namespace, name));
  } catch (error) {
    if (isNotFound(error)) return {};
    throw error;
  }
}

function decoded(secret: Secret | undefined): SigningSecret {
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
  );
}
