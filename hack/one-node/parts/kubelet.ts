import { callApi, probeHttp } from '../api.ts';
import { cgroupRoot } from '../cgroup.ts';
import { nodeName, serviceAddress, statePath, type Instance } from '../instance.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';
import { pkiPath } from '../pki.ts';
import { containerdSocket } from './containerd.ts';

export const kubelet: Part = {
  name: 'kubelet',
  modes: ['full'],
  after: ['kube-apiserver', 'containerd'],
  binaries: ['kubelet'],
  launch(instance, binary) {
    const config = statePath(instance.name, 'kubelet.json');
    const resolver = statePath(instance.name, 'resolv.conf');
    return {
      argv: [
        binary('kubelet'),
        `--config=${config}`,
        `--kubeconfig=${kubeconfigPath(instance, 'kubelet')}`,
        `--root-dir=${statePath(instance.name, 'kubelet')}`,
        `--hostname-override=${nodeName(instance)}`,
        `--node-ip=${instance.address}`,
      ],
      files: {
        [config]: JSON.stringify(configuration(instance, resolver), null, 2),
        [resolver]: `nameserver ${instance.address}\n`, // for pods with dnsPolicy Default: the host's resolver is out of reach
      },
    };
  },
  /** Healthy when the node is Ready. */
  async health(instance) {
    const complaint = await probeHttp(`http://${instance.address}:10248/healthz`);
    if (complaint !== undefined) return complaint;
    const { status, body } = await callApi(instance, 'GET', `/api/v1/nodes/${nodeName(instance)}`);
    if (status !== 200) return `node ${nodeName(instance)} has not registered yet (${status})`;
    const node = JSON.parse(body) as { status?: { conditions?: { type: string; status: string; message?: string }[] } };
    const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
    return ready?.status === 'True' ? undefined : `node is not Ready: ${ready?.message ?? 'no condition yet'}`;
  },
};

function configuration(instance: Instance, resolver: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: instance.address,
    healthzBindAddress: instance.address,
    authentication: {
      x509: { clientCAFile: pkiPath(instance, 'ca.crt') },
      webhook: { enabled: true },
      anonymous: { enabled: false },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${containerdSocket(instance)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupRoot(instance.name),
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['pods'],
    oomScoreAdj: 0,
    clusterDNS: [serviceAddress(instance, 10)],
    clusterDomain: 'cluster.local',
    resolvConf: resolver,
    podLogsDir: statePath(instance.name, 'pod-logs'),
    volumePluginDir: statePath(instance.name, 'kubelet', 'plugins-exec'),
    maxPods: 250,
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
    eventRecordQPS: 0,
    registryPullQPS: 0,
    serializeImagePulls: false,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '1%',
      'nodefs.inodesFree': '1%',
      'imagefs.available': '1%',
    },
    shutdownGracePeriod: '0s',
  };
}
