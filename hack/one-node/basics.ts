/**
 * Objects that make a bare control plane a cluster people expect: DNS and registry Services, the default StorageClass,
 * roles.
 */
import { apply, type Manifest } from './api.ts';
import { serviceAddress, type Instance } from './instance.ts';
import { PROVISIONER_NAME } from './parts/provisioner.ts';

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** Applies all of them. Quick when nothing changed. */
export async function applyBasics(instance: Instance): Promise<void> {
  await Promise.all([
    apply(instance, 'namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tektite-registry' } }),
    apply(instance, 'namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } }),
    apply(instance, 'storageclasses', storageClass()),
    apply(instance, 'clusterroles', dnsRole()),
    apply(instance, 'clusterrolebindings', binding('tektite:coredns')),
    apply(instance, 'clusterrolebindings', binding('tektite:provisioner', 'system:persistent-volume-provisioner')),
  ]);
  const dns: Port[] = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
  ];
  await Promise.all([
    applyNodeService(instance, {
      namespace: 'kube-system',
      name: 'kube-dns',
      ports: dns,
      clusterIP: serviceAddress(instance, 10),
    }),
    applyNodeService(instance, {
      namespace: 'tektite-registry',
      name: 'registry',
      ports: [{ name: 'http', port: 5000, protocol: 'TCP' }],
    }),
  ]);
}

interface NodeService {
  namespace: string;
  name: string;
  ports: Port[];
  clusterIP?: string;
}

/** A Service without selector whose one endpoint is the node: its server is a process, not a pod. */
async function applyNodeService(instance: Instance, { namespace, name, ports, clusterIP }: NodeService): Promise<void> {
  await apply(instance, 'services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { ports, ...(clusterIP && { clusterIP }) },
  });
  await apply(instance, 'endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-node`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [instance.address], conditions: { ready: true } }],
    ports,
  });
}

/** The claim is bound when a pod is scheduled, as with the provisioners of hosted clusters. */
function storageClass(): Manifest {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: PROVISIONER_NAME,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

function dnsRole(): Manifest {
  const read = (apiGroups: string[], resources: string[]) => ({ apiGroups, resources, verbs: ['list', 'watch'] });
  const rules = [
    read([''], ['endpoints', 'services', 'pods', 'namespaces']),
    read(['discovery.k8s.io'], ['endpointslices']),
  ];
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'tektite:coredns' },
    rules,
  };
}

/** Binds a role to the user of the same name. */
function binding(user: string, role = user): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
}
