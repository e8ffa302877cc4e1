import { parseDefaults } from '../api/config/config-defaults.ts';
import { parseFeatureFlags } from '../api/config/feature-flags.ts';
import type { ValidationContext } from '../api/pipeline/v1/validation.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { configMaps, type ConfigMap } from '../kube/resources.ts';
import type { Store } from '../kube/store.ts';
import type { Logger } from '../log.ts';
import type { Environment } from '../role/flags.ts';

/** The ConfigMaps that decide what is valid: upstream's names, and what the environment calls them here. */
export function configNames(env: Environment): Record<'config-defaults' | 'feature-flags', string> {
  return {
    'config-defaults': env['CONFIG_DEFAULTS_NAME'] ?? 'config-defaults',
    'feature-flags': env['CONFIG_FEATURE_FLAGS_NAME'] ?? 'feature-flags',
  };
}

/** The operator's settings as they are now. Bad values keep their default; the controller tells of them. */
export class AdmissionSettings {
  readonly #informer: Informer<ConfigMap>;
  readonly #namespace: string;
  readonly #names: ReturnType<typeof configNames>;
  #current: ValidationContext | undefined;

  constructor(client: KubeClient, namespace: string, names: ReturnType<typeof configNames>, log: Logger) {
    this.#informer = new Informer<ConfigMap>({ client, resource: configMaps, namespace, log });
    this.#namespace = namespace;
    this.#names = names;
    this.#informer.onChange(() => (this.#current = undefined));
  }

  /** Watches until the signal is aborted. */
  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  /** The ConfigMaps of the webhook's namespace. */
  get source(): { configMaps: Store<ConfigMap>; namespace: string } {
    return { configMaps: this.#informer.store, namespace: this.#namespace };
  }

  synced(signal: AbortSignal): Promise<void> {
    return this.#informer.synced(signal);
  }

  current(): ValidationContext {
    return (this.#current ??= {
      flags: parseFeatureFlags(this.#data('feature-flags')).flags,
      defaults: parseDefaults(this.#data('config-defaults')).defaults,
    });
  }

  #data(name: keyof ReturnType<typeof configNames>): Record<string, string> | undefined {
    return this.#informer.store.find(this.#namespace, this.#names[name])?.data;
  }
}
