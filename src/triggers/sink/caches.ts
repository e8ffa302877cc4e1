import {
  clusterInterceptors,
  clusterTriggerBindings,
  decoded,
  eventListeners,
  interceptors,
  triggerBindings,
  triggers,
  triggerTemplates,
  type EventListener,
  type Interceptor,
  type Trigger,
  type TriggerBinding,
  type TriggerTemplate,
} from '../../api/triggers/objects.ts';
import { defaultEventListener, defaultTrigger } from '../../api/triggers/defaults.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { Logger } from '../../log.ts';
import type { KubeObject, Resource } from '../../resource.ts';

/** What a sink watches: its listener, and what triggers may refer to. */
export class SinkCaches {
  readonly listeners: Informer<EventListener>;
  readonly triggers: Informer<Trigger>;
  readonly bindings: Informer<TriggerBinding>;
  readonly templates: Informer<TriggerTemplate>;
  readonly clusterBindings: Informer<TriggerBinding>;
  readonly clusterInterceptors: Informer<Interceptor>;
  readonly interceptors: Informer<Interceptor>;

  constructor(
    client: KubeClient,
    scope: { listener: { namespace: string; name: string }; isMultiNamespace: boolean },
    log: Logger,
  ) {
    const { namespace: own, name } = scope.listener;
    const namespace = scope.isMultiNamespace ? undefined : own;
    const watch = <T extends KubeObject>(
      resource: Resource<T>,
      where: { namespace?: string | undefined; fieldSelector?: string },
      transform: (object: T) => T,
    ) => new Informer<T>({ client, resource, ...where, transform, log });
    const spec =
      <T extends Trigger | TriggerBinding | TriggerTemplate | Interceptor>(kind: Parameters<typeof decoded>[0]) =>
      (object: T): T =>
        decoded(kind, object).object;
    const fieldSelector = `metadata.name=${name}`;
    this.listeners = watch(eventListeners, { namespace: own, fieldSelector }, defaultEventListener);
    this.triggers = watch(triggers, { namespace }, defaultTrigger);
    this.bindings = watch(triggerBindings, { namespace }, spec('TriggerBinding'));
    this.templates = watch(triggerTemplates, { namespace }, spec('TriggerTemplate'));
    this.clusterBindings = watch(clusterTriggerBindings, {}, spec('ClusterTriggerBinding'));
    this.clusterInterceptors = watch(clusterInterceptors, {}, spec('ClusterInterceptor'));
    this.interceptors = watch(interceptors, { namespace: own }, spec('Interceptor'));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#namespaced(), ...this.#clusterWide()].map((informer) => informer.run(signal)));
  }

  /**
   * Resolves when what every listener needs is here. What only a ClusterRoleBinding lets a sink see is waited for a
   * little: a listener that needs none of it works without.
   */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#namespaced().map((informer) => informer.synced(signal)));
    const little = AbortSignal.any([signal, AbortSignal.timeout(5_000)]);
    await Promise.allSettled(this.#clusterWide().map((informer) => informer.synced(little)));
    signal.throwIfAborted();
  }

  #namespaced(): Informer<KubeObject>[] {
    return [this.listeners, this.triggers, this.bindings, this.templates];
  }

  #clusterWide(): Informer<KubeObject>[] {
    return [this.clusterBindings, this.clusterInterceptors, this.interceptors];
  }
}
