import { applyBasics } from '../basics.ts';
import { callApi, probeHttp } from '../api.ts';
import { waitUntilHealthy } from '../healthy.ts';
import type { Instance } from '../instance.ts';
import { apiServerUrl, writeKubeconfigs } from '../kubeconfig.ts';
import type { Part } from '../part.ts';
import { pkiPath } from '../pki.ts';

export const apiserver: Part = {
  name: 'kube-apiserver',
  modes: ['full', 'control-plane'],
  after: ['etcd'],
  binaries: ['kube-apiserver'],
  launch(instance, binary) {
    const pki = (file: string) => pkiPath(instance, file);
    return {
      argv: [
        binary('kube-apiserver'),
        `--etcd-servers=http://127.0.0.1:${instance.ports.etcd}`,
        `--secure-port=${instance.ports.api}`,
        `--advertise-address=${instance.address}`,
        `--service-cluster-ip-range=${instance.serviceRange}`,
        `--tls-cert-file=${pki('apiserver.crt')}`,
        `--tls-private-key-file=${pki('apiserver.key')}`,
        `--client-ca-file=${pki('ca.crt')}`,
        '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
        `--service-account-key-file=${pki('service-account.pub')}`,
        `--service-account-signing-key-file=${pki('service-account.key')}`,
        `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
        '--requestheader-allowed-names=front-proxy-client',
        '--requestheader-extra-headers-prefix=X-Remote-Extra-',
        '--requestheader-group-headers=X-Remote-Group',
        '--requestheader-username-headers=X-Remote-User',
        `--proxy-client-cert-file=${pki('front-proxy-client.crt')}`,
        `--proxy-client-key-file=${pki('front-proxy-client.key')}`,
        '--allow-privileged=true',
        ...modeFlags(instance),
      ],
    };
  },
  health: (instance) => probeHttp(`${apiServerUrl(instance)}/readyz`),
  async onHealthy(instance) {
    await writeKubeconfigs(instance);
    if (instance.mode === 'control-plane') return;
    await applyBasics(instance);
    await waitUntilHealthy(() => rolesTakeEffect(instance), { timeoutMs: 10_000, everyMs: 50 });
  },
};

/**
 * The authorizer learns of roles a moment after they are written; a part that asks earlier is refused and waits for
 * seconds.
 */
async function rolesTakeEffect(instance: Instance): Promise<string | undefined> {
  for (const user of ['system:kube-controller-manager', 'system:kube-scheduler', 'tektite:provisioner']) {
    const resourceAttributes = { verb: 'watch', group: '', resource: 'persistentvolumeclaims' };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, resourceAttributes },
    };
    const { body } = await callApi(instance, 'POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review);
    if (!(JSON.parse(body) as { status?: { allowed?: boolean } }).status?.allowed)
      return `the role of ${user} does not take effect: ${body}`;
  }
  return undefined;
}

/**
 * Without a node there is no kubelet to call, and no controller that makes ServiceAccounts: who creates pods makes
 * theirs first. Loopback cannot be an endpoint, so none is published.
 */
function modeFlags(instance: Instance): string[] {
  if (instance.mode === 'control-plane') {
    return ['--bind-address=127.0.0.1', '--endpoint-reconciler-type=none', '--authorization-mode=RBAC'];
  }
  return [
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--kubelet-preferred-address-types=InternalIP', // else logs and exec look the node's name up in DNS
    `--kubelet-client-certificate=${pkiPath(instance, 'apiserver-kubelet-client.crt')}`,
    `--kubelet-client-key=${pkiPath(instance, 'apiserver-kubelet-client.key')}`,
  ];
}
