import { eventListeners, triggers, type EventListener, type Trigger } from '../../api/triggers/objects.ts';
import { cacheOf, type Cache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { StoreOptions } from '../../kube/store.ts';
import {
  deployments,
  endpointSlices,
  podDisruptionBudgets,
  services,
  type Deployment,
  type EndpointSlice,
  type PodDisruptionBudget,
  type Service,
} from '../../kube/resources.ts';
import type { Logger } from '../../log.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import { byService, serviceOfSlice } from '../shared-sink/keeper.ts';
import { serviceLabel, sharedSinkName } from '../shared-sink/names.ts';
import { withoutSpec } from '../schedule/selection-reconciler.ts';

const madeByListeners = 'app.kubernetes.io/managed-by=EventListener';
/** Name of the index. */
export const byNamespace = 'namespace';
const namespaceIndex = ({ metadata }: KubeObject): string[] => [metadata.namespace ?? ''];

/** Watches of listeners, Triggers and what was made for listeners, in some namespaces or in all when none is named. */
export class ListenerCaches {
  readonly listeners: Cache<EventListener>;
  readonly deployments: Cache<Deployment>;
  readonly services: Cache<Service>;
  /** Whoever made them, by their namespace. */
  readonly budgets: Cache<PodDisruptionBudget>;
  /** Of listeners' Services, by NAMESPACE/SERVICE. */
  readonly slices: Cache<EndpointSlice>;
  /** Of the shared sink's own Service. */
  readonly sharedSlices: Cache<EndpointSlice>;
  /** Without their specs. */
  readonly triggers: Cache<Trigger>;
  /** What has to run for them. */
  readonly informers: Pick<Informer<KubeObject>, 'run' | 'synced'>[] = [];

  constructor(
    client: KubeClient,
    {
      namespaces,
      resyncMs,
      systemNamespace,
    }: { namespaces: readonly string[]; resyncMs: number; systemNamespace: string },
    log: Logger,
  ) {
    const cache = <T extends KubeObject>(
      resource: Resource<T>,
      more: { resyncMs?: number; labelSelector?: string } & Pick<StoreOptions<T>, 'indexes' | 'transform'>,
      where = namespaces,
    ) =>
      cacheOf<T>(where, (namespace) => {
        const informer = new Informer<T>({ client, resource, ...(namespace ? { namespace } : {}), ...more, log });
        this.informers.push(informer);
        return informer.store;
      });
    this.listeners = cache(eventListeners, { resyncMs });
    this.deployments = cache(deployments, { labelSelector: madeByListeners });
    this.services = cache(services, { labelSelector: madeByListeners });
    this.budgets = cache(podDisruptionBudgets, { indexes: { [byNamespace]: namespaceIndex } });
    this.slices = cache(endpointSlices, {
      labelSelector: madeByListeners,
      indexes: { [byService]: serviceOfSlice },
    });
    this.sharedSlices = cache(endpointSlices, { labelSelector: `${serviceLabel}=${sharedSinkName}` }, [
      systemNamespace,
    ]);
    this.triggers = cache(triggers, { transform: withoutSpec });
  }
}
