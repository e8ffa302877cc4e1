import { callApi, probeHttp } from '../api.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';
import { pkiPath } from '../pki.ts';

export const controllerManager: Part = {
  name: 'kube-controller-manager',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['kube-controller-manager'],
  launch(instance, binary) {
    const kubeconfig = kubeconfigPath(instance, 'controller-manager');
    return {
      argv: [
        binary('kube-controller-manager'),
        `--bind-address=${instance.address}`,
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        `--client-ca-file=${pkiPath(instance, 'ca.crt')}`,
        `--requestheader-client-ca-file=${pkiPath(instance, 'front-proxy-ca.crt')}`,
        `--root-ca-file=${pkiPath(instance, 'ca.crt')}`,
        `--cluster-signing-cert-file=${pkiPath(instance, 'ca.crt')}`,
        `--cluster-signing-key-file=${pkiPath(instance, 'ca.key')}`,
        `--service-account-private-key-file=${pkiPath(instance, 'service-account.key')}`,
        '--use-service-account-credentials=true',
        '--leader-elect=false', // there is one
      ],
    };
  },
  /** Healthy when pods can be made: they need their namespace's ServiceAccount. */
  async health(instance) {
    const complaint = await probeHttp(`https://${instance.address}:10257/healthz`);
    if (complaint !== undefined) return complaint;
    const { status } = await callApi(instance, 'GET', '/api/v1/namespaces/default/serviceaccounts/default');
    return status === 200 ? undefined : `ServiceAccount default/default is not there yet (${status})`;
  },
};
