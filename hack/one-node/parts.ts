import type { Instance } from './instance.ts';
import type { Part } from './part.ts';
import { apiserver } from './parts/apiserver.ts';
import { containerd, secondContainerd } from './parts/containerd.ts';
import { controllerManager } from './parts/controller-manager.ts';
import { coredns } from './parts/coredns.ts';
import { etcd } from './parts/etcd.ts';
import { imageHosts } from './parts/image-hosts.ts';
import { kubeProxy } from './parts/kube-proxy.ts';
import { kubelet, secondKubelet } from './parts/kubelet.ts';
import { provisioner } from './parts/provisioner.ts';
import { registry } from './parts/registry.ts';
import { scheduler } from './parts/scheduler.ts';

const PARTS: readonly Part[] = [
  etcd,
  apiserver,
  registry,
  imageHosts,
  containerd,
  controllerManager,
  scheduler,
  coredns,
  kubeProxy,
  kubelet,
  provisioner,
];

/** The second machine of a full instance, in the order of starting: only there where it was asked for. */
export const SECOND_MACHINE: readonly Part[] = [secondContainerd, secondKubelet];

/** The parts of an instance, each after those it needs. */
export function partsOf(instance: Pick<Instance, 'mode'>): Part[] {
  return PARTS.filter((part) => part.modes.includes(instance.mode));
}

/** One part by name. Throws, naming the parts there are. */
export function partNamed(instance: Instance, name: string): Part {
  const parts = partsOf(instance);
  const found = parts.find((part) => part.name === name);
  if (found === undefined)
    throw new Error(
      `cluster ${instance.name} has no part ${JSON.stringify(name)}: choose one of ${parts.map((part) => part.name).join(', ')}`,
    );
  return found;
}
