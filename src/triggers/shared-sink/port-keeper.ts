import { isDeepStrictEqual } from 'node:util';
import { isConflict } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { configMaps, type ConfigMap } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import { portsMapName, servedMapName } from './names.ts';
import { portOf, withoutPort, withPort, type HeldPort, type PortHolder } from './ports.ts';

const mostConflicts = 10;

export interface PortKeeperOptions {
  client: Pick<KubeClient, 'get' | 'replace' | 'patch'>;
  maps: Pick<Store<ConfigMap>, 'find' | 'observeWrite'>;
  systemNamespace: string;
}

/**
 * Gives ports of the shared sink. The API server refuses a write of what was read before another's write: no port is
 * given twice, whatever the number of replicas.
 */
export class PortKeeper {
  readonly #options: PortKeeperOptions;

  constructor(options: PortKeeperOptions) {
    this.#options = options;
  }

  /** Whether there is a shared sink: the chart makes its ConfigMap. */
  get isInstalled(): boolean {
    return this.map !== undefined;
  }

  find(namespace: string, name: string): HeldPort | undefined {
    return portOf(this.map?.data, namespace, name);
  }

  /** What each pod says that it serves. */
  get served(): Readonly<Record<string, string>> | undefined {
    return this.#map(servedMapName)?.data;
  }

  /** The listener's port, a new one unless it has one; undefined: all are given. */
  async take(holder: PortHolder, signal: AbortSignal): Promise<HeldPort | undefined> {
    const held = this.find(holder.namespace, holder.name);
    if (held !== undefined && isDeepStrictEqual(held.holder, holder)) return held;
    const data = await this.#change((before) => withPort(before, holder)?.data, signal);
    return portOf(data, holder.namespace, holder.name);
  }

  async giveBack(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    if (this.find(namespace, name) !== undefined)
      await this.#change((data) => withoutPort(data, namespace, name), signal);
  }

  /** Removes what pods said that are no more. They would say it again. */
  async forgetPods(isThere: (pod: string) => boolean, signal: AbortSignal): Promise<void> {
    const gone = Object.keys(this.served ?? {}).filter((pod) => !isThere(pod));
    if (gone.length === 0) return;
    const body = { data: Object.fromEntries(gone.map((pod) => [pod, null])) };
    const { client, systemNamespace } = this.#options;
    await client.patch(configMaps, systemNamespace, servedMapName, { type: 'merge', body, signal });
  }

  /** The ConfigMap of ports as the cache has it. */
  get map(): ConfigMap | undefined {
    return this.#map(portsMapName);
  }

  #map(name: string): ConfigMap | undefined {
    const { maps, systemNamespace } = this.#options;
    return maps.find(systemNamespace, name);
  }

  /** Writes what `change` makes of the newest data; undefined leaves them. Returns the data as they are then. */
  async #change(
    change: (data: Readonly<Record<string, string>>) => Record<string, string> | undefined,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const { client, maps, systemNamespace } = this.#options;
    for (let conflicts = 0; ; conflicts++) {
      const map = await client.get(configMaps, systemNamespace, portsMapName, { signal });
      const data = change(map.data ?? {});
      if (data === undefined) return map.data ?? {};
      try {
        maps.observeWrite(await client.replace(configMaps, { ...map, data }, { signal }));
        return data;
      } catch (error) {
        if (!isConflict(error) || conflicts >= mostConflicts) throw error;
      }
    }
  }
}
