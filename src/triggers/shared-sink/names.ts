/** The shared sink: its Deployment, ServiceAccount and Service, in the namespace of Triggers' controller. */
export const sharedSinkName = 'tekton-triggers-shared-sink';

/** ConfigMap in which only the controller writes: which port is whose. */
export const portsMapName = 'tekton-triggers-shared-sink-ports';

/** ConfigMap in which each pod of the shared sink writes one key: what it serves. */
export const servedMapName = 'tekton-triggers-shared-sink-served';

/** On an EndpointSlice: its Service. */
export const serviceLabel = 'kubernetes.io/service-name';
