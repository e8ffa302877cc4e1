import { probeHttp } from '../api.ts'
import { nodeName, statePath } from '../instance.ts'
import { kubeconfigPath } from '../kubeconfig.ts'
import type { Part } from '../part.ts'

export const kubeProxy: Part = {
  name: 'kube-proxy',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['kube-proxy'],
  launch(instance, binary) {
    const config = statePath(instance.name, 'kube-proxy.json')
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
    }
    return { argv: [binary('kube-proxy'), `--config=${config}`], files: { [config]: JSON.stringify(configuration, null, 2) } }
  },
  health: (instance) => probeHttp(`http://${instance.address}:10256/healthz`),
}
