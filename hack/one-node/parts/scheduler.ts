import { probeHttp } from '../api.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';

export const scheduler: Part = {
  name: 'kube-scheduler',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['kube-scheduler'],
  launch(instance, binary) {
    const kubeconfig = kubeconfigPath(instance, 'scheduler');
    return {
      argv: [
        binary('kube-scheduler'),
        `--bind-address=${instance.address}`,
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        '--leader-elect=false',
      ],
    };
  },
  health: (instance) => probeHttp(`https://${instance.address}:10259/healthz`),
};
