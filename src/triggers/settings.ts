import { triggersGroup } from '../api/triggers/objects.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Informer } from '../kube/informer.ts';
import type { ConfigMap } from '../kube/resources.ts';
import type { Logger } from '../log.ts';
import { listenerSettings, type ListenerSettings, type SettingProblem } from './eventlistener/settings.ts';

/** What the process was started with. */
export interface StartSettings {
  systemNamespace: string;
  sinkImage: string;
  pullPolicy: string;
  events: ListenerSettings['events'];
}

/** What the controller of Triggers gives its listeners, from its flags and ConfigMaps as they are now. */
export class TriggersSettings {
  readonly #start: StartSettings;
  readonly #maps: Informer<ConfigMap>['store'];
  readonly #log: Logger;
  readonly #events: Pick<EventRecorder, 'event'>;
  readonly #told = new Set<string>();

  constructor(
    start: StartSettings,
    maps: Informer<ConfigMap>['store'],
    { log, events }: { log: Logger; events: Pick<EventRecorder, 'event'> },
  ) {
    this.#start = start;
    this.#maps = maps;
    this.#log = log;
    this.#events = events;
  }

  /** Of listeners. A bad value is told once, on its ConfigMap and in the log. */
  get listeners(): ListenerSettings {
    const { sinkImage: image, pullPolicy, events } = this.#start;
    const { settings, problems } = listenerSettings({
      defaults: this.#map('config-defaults-triggers')?.data,
      features: this.#map('feature-flags-triggers')?.data,
      logging: this.#map('config-logging-triggers')?.data,
    });
    for (const problem of problems) this.#tell(problem);
    return { ...settings, image, pullPolicy, events, timeouts: { read: 5, handler: 30, interceptor: 30 } };
  }

  #map(name: SettingProblem['map'] | 'config-logging-triggers'): ConfigMap | undefined {
    return this.#maps.find(this.#start.systemNamespace, name);
  }

  #tell({ map, message }: SettingProblem): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#log.warn({ group: triggersGroup, configMap: map }, message);
    const metadata = this.#map(map)?.metadata ?? {};
    this.#events.event({ apiVersion: 'v1', kind: 'ConfigMap', metadata }, 'Warning', 'InvalidConfiguration', message);
  }
}
