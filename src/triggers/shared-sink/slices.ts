import type { EventListener } from '../../api/triggers/objects.ts';
import type { EndpointSlice } from '../../kube/resources.ts';
import { generatedName, metadataOf } from '../eventlistener/metadata.ts';
import type { ListenerSettings } from '../eventlistener/settings.ts';
import { serviceLabel } from './names.ts';
import { serves } from './ports.ts';

/** On an EndpointSlice: who keeps it. Kubernetes' own controllers leave those of others alone. */
const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const manager = 'tekton-triggers-controller.tektite.dev';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

/** What a listener is served at by the shared sink. */
export interface Place {
  port: number;
  /** Of its Service's port: an EndpointSlice is for the port of that name. */
  portName: string;
}

/** Whether an EndpointSlice was made for a listener here. */
export function isOurs({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[managedByLabel] === manager;
}

/** Whether requests go there. */
export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

/**
 * The EndpointSlices of a listener's Service: the ready pods of the shared sink that say they serve it, of each kind of
 * address. `shared` are the EndpointSlices of the shared sink's own Service, `served` is what its pods say.
 */
export function slicesOf(
  listener: EventListener,
  settings: ListenerSettings,
  { port, portName }: Place,
  { shared, served }: { shared: readonly EndpointSlice[]; served: Readonly<Record<string, string>> | undefined },
): EndpointSlice[] {
  const uid = listener.metadata.uid ?? '';
  const { labels, annotations: _none, name, ...metadata } = metadataOf(listener, settings);
  const kinds = [...new Set(shared.map(({ addressType }) => addressType))].sort();
  return kinds.map((addressType) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...metadata,
      name: `${name}-shared-${addressType.toLowerCase()}`,
      labels: { ...labels, [serviceLabel]: generatedName(listener), [managedByLabel]: manager },
    },
    addressType,
    ports: [{ name: portName, port, protocol: 'TCP' }],
    endpoints: shared
      .filter((slice) => slice.addressType === addressType)
      .flatMap(({ endpoints = [] }) => endpoints)
      .filter((each) => isReady(each) && serves(served?.[each.targetRef?.name ?? ''], port, uid))
      .map(mirrored)
      .sort((a, b) => ((a.addresses[0] ?? '') < (b.addresses[0] ?? '') ? -1 : 1))
      // The API server takes no more in one.
      .slice(0, 1000),
  }));
}

/** Names of the pods that an EndpointSlice leads to, ready or not. */
export function podsOf({ endpoints }: EndpointSlice): string[] {
  return (endpoints ?? []).flatMap(({ targetRef }) => targetRef?.name ?? []);
}

function mirrored({ addresses, nodeName, zone, targetRef }: Endpoint): Endpoint {
  return {
    addresses,
    conditions: { ready: true, serving: true, terminating: false },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
