import { callApi, probeHttp } from '../api.ts';
import { cgroupRoot } from '../cgroup.ts';
import { machinePath, nodeName, serviceAddress, type Instance, type Machine } from '../instance.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';
import { pkiPath } from '../pki.ts';
import { containerdSocket } from './containerd.ts';

export const kubelet = kubeletOf('first');
export const secondKubelet = kubeletOf('second');

/** Both machines have one address: the second's kubelet listens elsewhere, and its node says where. */
const ports = { first: { port: 10250, healthzPort: 10248 }, second: { port: 10260, healthzPort: 10258 } };

function kubeletOf(machine: Machine): Part {
  const isSecond = machine === 'second';
  return {
    name: isSecond ? 'kubelet-second' : 'kubelet',
    modes: ['full'],
    after: ['kube-apiserver', 'containerd'],
    binaries: ['kubelet'],
    launch(instance, binary) {
      const own = (...parts: string[]) => machinePath(instance.name, machine, ...parts);
      return {
        argv: [
          binary('kubelet'),
          `--config=${own('kubelet.json')}`,
          `--kubeconfig=${kubeconfigPath(instance, isSecond ? 'kubelet-second' : 'kubelet')}`,
          `--root-dir=${own('kubelet')}`,
          `--hostname-override=${nodeName(instance, machine)}`,
          `--node-ip=${instance.address}`,
        ],
        files: {
          [own('kubelet.json')]: JSON.stringify(configuration(instance, machine), null, 2),
          [own('resolv.conf')]: `nameserver ${instance.address}\n`, // for pods with dnsPolicy Default: the host's resolver is out of reach
        },
      };
    },
    /** Healthy when the node is Ready. */
    async health(instance) {
      const complaint = await probeHttp(`http://${instance.address}:${ports[machine].healthzPort}/healthz`);
      return complaint ?? nodeComplaint(instance, nodeName(instance, machine));
    },
  };
}

async function nodeComplaint(instance: Instance, name: string): Promise<string | undefined> {
  const { status, body } = await callApi(instance, 'GET', `/api/v1/nodes/${name}`);
  if (status !== 200) return `node ${name} has not registered yet (${status})`;
  const node = JSON.parse(body) as { status?: { conditions?: { type: string; status: string; message?: string }[] } };
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready?.status === 'True' ? undefined : `node is not Ready: ${ready?.message ?? 'no condition yet'}`;
}

function configuration(instance: Instance, machine: Machine): object {
  const own = (...parts: string[]) => machinePath(instance.name, machine, ...parts);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: instance.address,
    healthzBindAddress: instance.address,
    ...ports[machine],
    authentication: {
      x509: { clientCAFile: pkiPath(instance, 'ca.crt') },
      webhook: { enabled: true },
      anonymous: { enabled: false },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${containerdSocket(instance, machine)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupRoot(instance.name, machine),
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: ['pods'],
    oomScoreAdj: 0,
    clusterDNS: [serviceAddress(instance, 10)],
    clusterDomain: 'cluster.local',
    resolvConf: own('resolv.conf'),
    podLogsDir: own('pod-logs'),
    volumePluginDir: own('kubelet', 'plugins-exec'),
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
