import { probeHttp } from '../api.ts';
import { nodeName, statePath } from '../instance.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';

export const kubeProxy: Part = {
  name: 'kube-proxy',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['kube-proxy'],
  launch(instance, binary) {
    const config = statePath(instance.name, 'kube-proxy.json');
    const configuration = {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      bindAddress: instance.address,
      healthzBindAddress: `${instance.address}:10256`,
      hostnameOverride: nodeName(instance),
      clientConnection: { kubeconfig: kubeconfigPath(instance, 'kube-proxy') },
      clusterCIDR: instance.podRange,
      oomScoreAdj: 0,
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' }, // leave the kernel's
    };
    // A table left by one that was killed makes the next take its emptied endpoint chains for full ones: Services then
    // refuse connections (seen with v1.35.4). It is made anew within milliseconds.
    const argv = [
      'sh',
      '-c',
      'nft delete table ip kube-proxy 2>/dev/null; exec "$@"',
      'kube-proxy',
      binary('kube-proxy'),
      `--config=${config}`,
    ];
    return { argv, files: { [config]: JSON.stringify(configuration, null, 2) } };
  },
  health: (instance) => probeHttp(`http://${instance.address}:10256/healthz`),
};
