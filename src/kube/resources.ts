import type {
  CoreV1Event,
  V1ConfigMap,
  V1CustomResourceDefinition,
  V1Deployment,
  V1Endpoints,
  V1EndpointSlice,
  V1Lease,
  V1LimitRange,
  V1LocalSubjectAccessReview,
  V1MutatingWebhookConfiguration,
  V1Namespace,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1Secret,
  V1SelfSubjectAccessReview,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import type { KubeObject, ObjectMeta, Resource } from './object.ts';

/** client-node's models describe decoded objects; on the wire a Date is a string. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;
type Stored<T> = Omit<Wire<T>, 'metadata' | 'apiVersion' | 'kind'> & {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
};

export type Pod = Stored<V1Pod>;
export type CoreEvent = Stored<CoreV1Event>;
export type ConfigMap = Stored<V1ConfigMap>;
export type Secret = Stored<V1Secret>;
export type ServiceAccount = Stored<V1ServiceAccount>;
export type Service = Stored<V1Service>;
export type PersistentVolumeClaim = Stored<V1PersistentVolumeClaim>;
export type Lease = Stored<V1Lease>;
export type Namespace = Stored<V1Namespace>;
export type Node = Stored<V1Node>;
export type LimitRange = Stored<V1LimitRange>;
export type Deployment = Stored<V1Deployment>;
export type PodDisruptionBudget = Stored<V1PodDisruptionBudget>;
export type Endpoints = Stored<V1Endpoints>;
export type EndpointSlice = Stored<V1EndpointSlice>;
export type StatefulSet = Stored<V1StatefulSet>;
export type CustomResourceDefinition = Stored<V1CustomResourceDefinition>;
export type AccessReview = Stored<V1SelfSubjectAccessReview>;
export type LocalAccessReview = Stored<V1LocalSubjectAccessReview>;
export type MutatingWebhookConfiguration = Stored<V1MutatingWebhookConfiguration>;
export type ValidatingWebhookConfiguration = Stored<V1ValidatingWebhookConfiguration>;

function core<T extends KubeObject>(plural: string, kind: string, namespaced = true): Resource<T> {
  return { group: '', version: 'v1', plural, kind, namespaced };
}

export const pods = core<Pod>('pods', 'Pod');
export const events = core<CoreEvent>('events', 'Event');
export const configMaps = core<ConfigMap>('configmaps', 'ConfigMap');
export const secrets = core<Secret>('secrets', 'Secret');
export const serviceAccounts = core<ServiceAccount>('serviceaccounts', 'ServiceAccount');
export const services = core<Service>('services', 'Service');
export const persistentVolumeClaims = core<PersistentVolumeClaim>('persistentvolumeclaims', 'PersistentVolumeClaim');
export const namespaces = core<Namespace>('namespaces', 'Namespace', false);
export const nodes = core<Node>('nodes', 'Node', false);
export const limitRanges = core<LimitRange>('limitranges', 'LimitRange');
export const endpoints = core<Endpoints>('endpoints', 'Endpoints');
export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};
export const deployments: Resource<Deployment> = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};
export const podDisruptionBudgets: Resource<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  namespaced: true,
};
export const endpointSlices: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};
export const statefulSets: Resource<StatefulSet> = {
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  kind: 'StatefulSet',
  namespaced: true,
};
export const customResourceDefinitions: Resource<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};
export const accessReviews: Resource<AccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
};
/** Asks what another may do in a namespace. */
export const localAccessReviews: Resource<LocalAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'localsubjectaccessreviews',
  kind: 'LocalSubjectAccessReview',
  namespaced: true,
};
export const mutatingWebhookConfigurations: Resource<MutatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  namespaced: false,
};
export const validatingWebhookConfigurations: Resource<ValidatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
};
