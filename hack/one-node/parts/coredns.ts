import { probeHttp } from '../api.ts';
import { statePath, type Instance } from '../instance.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';
import { IMAGE_HOSTS } from './image-hosts.ts';

/** Runs beside kubelet, not as a pod: no image, no start delay. basics.ts makes the Service kube-dns point here. */
export const coredns: Part = {
  name: 'coredns',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['coredns'],
  launch(instance, binary) {
    const config = statePath(instance.name, 'Corefile');
    return { argv: [binary('coredns'), '-conf', config, '-quiet'], files: { [config]: corefile(instance) } };
  },
  health: (instance) => probeHttp(`http://${instance.address}:8181/ready`),
};

/**
 * Image hosts are the node (see image-hosts.ts). Other names outside the cluster do not exist: answered at once, where
 * a resolver out of reach would cost seconds.
 */
function corefile(instance: Instance): string {
  return `.:53 {
    bind ${instance.address}
    errors
    ready ${instance.address}:8181
    cache 5
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${kubeconfigPath(instance, 'coredns')}
        pods insecure
        ttl 5
    }
    template IN A {
        match ${IMAGE_HOSTS}
        answer "{{ .Name }} 60 IN A ${instance.address}"
        fallthrough
    }
    template IN AAAA {
        match ${IMAGE_HOSTS}
        rcode NOERROR
        fallthrough
    }
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`;
}
