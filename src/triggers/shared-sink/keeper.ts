import type { EventListener } from '../../api/triggers/objects.ts';
import type { Clock } from '../../clock.ts';
import { timestamp } from '../../core/condition.ts';
import { unlessNotFound } from '../../kube/api-error.ts';
import type { Cache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { endpoints, endpointSlices, type Deployment, type EndpointSlice } from '../../kube/resources.ts';
import { generatedName } from '../eventlistener/metadata.ts';
import { accountOf, listenerPort, tlsOf } from '../eventlistener/objects.ts';
import type { ListenerSettings } from '../eventlistener/settings.ts';
import { demandOf } from './demand.ts';
import { planMove, type Move, type Standing } from './move.ts';
import { serviceLabel } from './names.ts';
import type { PortKeeper } from './port-keeper.ts';
import type { HeldPort } from './ports.ts';
import { missingRights } from './rights.ts';
import { isOurs, isReady, slicesOf } from './slices.ts';

export interface SharedSinkOptions {
  client: Pick<KubeClient, 'create' | 'delete'>;
  ports: PortKeeper;
  /** Of listeners' Services, whoever made them. */
  slices: Pick<Cache<EndpointSlice>, 'byIndex'>;
  /** Of the shared sink's own Service. */
  shared: () => readonly EndpointSlice[];
  systemNamespace: string;
  clock: Pick<Clock, 'now'>;
}

/** Name of the index: NAMESPACE/SERVICE of an EndpointSlice. */
export const byService = 'service';

/** What the shared sink has to do with a listener, and its Deployment as it is. */
export interface Situation {
  listener: EventListener;
  settings: ListenerSettings;
  deployment: Deployment | undefined;
}

/** A move, and the EndpointSlices that it writes. */
export interface PlannedMove extends Move {
  wanted: EndpointSlice[];
}

/** Sees to what listeners have of the shared sink: their ports, and their Services' EndpointSlices. */
export class SharedSinkKeeper {
  readonly #options: SharedSinkOptions;

  constructor(options: SharedSinkOptions) {
    this.#options = options;
  }

  /** Takes a port where the shared sink is to serve the listener, and says what is to be. */
  async plan({ listener, settings, deployment }: Situation, signal: AbortSignal): Promise<PlannedMove> {
    const { ports, clock } = this.#options;
    const { namespace = '', name = '' } = listener.metadata;
    const demand = demandOf(listener, settings.defaultSink);
    const { held, obstacle } =
      demand.kind === 'shared'
        ? await this.#taken(listener, settings, signal)
        : { held: ports.find(namespace, name), obstacle: undefined };
    const wanted = held === undefined ? [] : this.#wanted(listener, settings, held);
    const standing: Standing = {
      demand,
      obstacle,
      held,
      own: deployment === undefined ? 'none' : isAvailable(deployment) ? 'available' : 'made',
      sharedReady: wanted.flatMap((slice) => slice.endpoints ?? []).length,
      sharedSlices: this.#slices(listener).filter(isOurs).length,
      ownReady: this.#others(listener).flatMap((slice) => (slice.endpoints ?? []).filter(isReady)).length,
    };
    return { ...planMove(standing, clock.now()), wanted };
  }

  /** What of a move comes after its Service: ways that lead nowhere any more. */
  async finish({ listener, settings }: Situation, move: Move, signal: AbortSignal): Promise<void> {
    const { ports, clock } = this.#options;
    const { namespace = '', name = '' } = listener.metadata;
    if (move.slices === 'remove') await this.#remove(this.#slices(listener).filter(isOurs), signal);
    if (!move.selects) await this.#removeOthers(listener, signal);
    if (move.port === 'give back') await ports.giveBack(namespace, name, signal);
    const held = ports.find(namespace, name);
    if (move.port === 'leave' && held !== undefined && held.holder.leavingSince === undefined)
      await ports.take({ ...holderOf(listener, settings), leavingSince: timestamp(clock.now()) }, signal);
  }

  /** The listener is no more. */
  forget(namespace: string, name: string, signal: AbortSignal): Promise<void> {
    return this.#options.ports.giveBack(namespace, name, signal);
  }

  async #taken(
    listener: EventListener,
    settings: ListenerSettings,
    signal: AbortSignal,
  ): Promise<Pick<Standing, 'held' | 'obstacle'>> {
    const { client, ports, systemNamespace } = this.#options;
    const { namespace = '', name = '' } = listener.metadata;
    if (!ports.isInstalled) return { held: undefined, obstacle: { reason: 'NotInstalled', message: notInstalled } };
    const tlsSecret = tlsOf(listener)?.secret;
    const as = { namespace, account: accountOf(listener, settings), tlsSecret, systemNamespace };
    const missing = await missingRights(client, as, signal);
    if (missing !== undefined)
      return { held: ports.find(namespace, name), obstacle: { reason: 'Forbidden', message: missing } };
    const held = await ports.take(holderOf(listener, settings), signal);
    return held === undefined ? { held, obstacle: { reason: 'NoPortFree', message: noPortFree } } : { held };
  }

  #wanted(listener: EventListener, settings: ListenerSettings, { port }: HeldPort): EndpointSlice[] {
    const { shared, ports } = this.#options;
    const place = { port, portName: listenerPort(listener).name };
    return slicesOf(listener, settings, place, { shared: shared(), served: ports.served });
  }

  #slices(listener: EventListener): EndpointSlice[] {
    return this.#options.slices.byIndex(byService, `${listener.metadata.namespace}/${generatedName(listener)}`);
  }

  #others(listener: EventListener): EndpointSlice[] {
    return this.#slices(listener).filter((slice) => !isOurs(slice));
  }

  /** Kubernetes leaves what it made for a selector that has gone: addresses that may be another's by now. */
  async #removeOthers(listener: EventListener, signal: AbortSignal): Promise<void> {
    const others = this.#others(listener);
    if (others.length === 0) return;
    const { namespace } = listener.metadata;
    // First: EndpointSlices are made of it.
    await this.#options.client.delete(endpoints, namespace, generatedName(listener), { signal }).catch(unlessNotFound);
    await this.#remove(others, signal);
  }

  async #remove(slices: readonly EndpointSlice[], signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    for (const { metadata } of slices)
      await client.delete(endpointSlices, metadata.namespace, metadata.name ?? '', { signal }).catch(unlessNotFound);
  }
}

/** For the index `byService`. */
export function serviceOfSlice({ metadata }: EndpointSlice): string[] {
  return [`${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ''}`];
}

function holderOf(listener: EventListener, settings: ListenerSettings): HeldPort['holder'] {
  const { namespace = '', name = '', uid = '' } = listener.metadata;
  return { namespace, name, uid, account: accountOf(listener, settings) };
}

function isAvailable({ status }: Deployment): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') === true;
}

const notInstalled =
  'there is no shared sink: set triggers.sharedSink.enabled=true in the values of the chart, or take this listener out ' +
  'by the annotation triggers.tektite.dev/sink: own';
const noPortFree =
  'all ports of the shared sink are given: take some listeners out by the annotation triggers.tektite.dev/sink: own';
