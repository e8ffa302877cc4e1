import type { ConfigMap, EndpointSlice } from '../../kube/resources.ts';
import type { Change } from '../../kube/store.ts';
import { portsMapName, servedMapName } from './names.ts';
import { heldPorts, servedBy, type HeldPort } from './ports.ts';

/** Whether a ConfigMap is one of the shared sink's. */
export function isOfSharedSink({ metadata }: ConfigMap): boolean {
  return metadata.name === portsMapName || metadata.name === servedMapName;
}

/** Keys of the listeners that have ports. */
export function holderKeys(held: readonly HeldPort[]): string[] {
  return held.map(({ holder }) => `${holder.namespace}/${holder.name}`);
}

/**
 * Keys of the listeners for which a change of the shared sink's ConfigMaps is news. What the controller writes itself
 * is none; at the start all that have ports are looked at, since listeners may have gone meanwhile.
 */
export function toldByMap(change: Change<ConfigMap>, ports: ConfigMap | undefined): string[] {
  const { type, object, old, origin } = change;
  const isWritten = type === 'updated' && origin !== 'resync';
  switch (object.metadata.name) {
    case portsMapName:
      return isWritten ? [] : holderKeys(heldPorts(object.data));
    case servedMapName: {
      const held = heldPorts(ports?.data);
      return holderKeys(isWritten ? servedOtherwise(held, old?.data ?? {}, object.data ?? {}) : held);
    }
    default:
      return [];
  }
}

/** The ports of which a pod of the sink has begun or ceased to serve the listener. */
function servedOtherwise(
  held: readonly HeldPort[],
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): readonly HeldPort[] {
  const pods = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((pod) => before[pod] !== now[pod]);
  // Read once, not once for each port: there may be a thousand, in as many texts.
  const said = pods.map((pod) => [servedBy(before[pod]), servedBy(now[pod])] as const);
  return held.filter(({ port, holder: { uid } }) =>
    said.some(([was, is]) => (was[String(port)] === uid) !== (is[String(port)] === uid)),
  );
}

/** The listener of an EndpointSlice of its Service. */
export function listenerOfSlice({ object: { metadata } }: Change<EndpointSlice>): string[] {
  const name = metadata.labels?.['eventlistener'];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}
