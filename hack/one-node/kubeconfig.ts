import { readFile, rename, writeFile } from 'node:fs/promises';
import { statePath, type Instance } from './instance.ts';
import { pkiPath } from './pki.ts';

/** Users that get a kubeconfig; each has a certificate of the same name. */
export const KUBECONFIG_USERS = [
  'admin',
  'controller-manager',
  'scheduler',
  'kube-proxy',
  'kubelet',
  'kubelet-second',
  'coredns',
  'provisioner',
] as const;
export type KubeconfigUser = (typeof KUBECONFIG_USERS)[number];

/** The file of one user; the administrator's is what `hack/cluster kubeconfig` prints. */
export function kubeconfigPath(instance: Instance, user: KubeconfigUser): string {
  return user === 'admin'
    ? statePath(instance.name, 'kubeconfig')
    : statePath(instance.name, 'pki', `${user}.kubeconfig`);
}

export function apiServerUrl(instance: Instance): string {
  return `https://${instance.address}:${instance.ports.api}`;
}

/** Writes every user's kubeconfig, with certificates inside so that the file can be copied. JSON is YAML. */
export async function writeKubeconfigs(instance: Instance): Promise<void> {
  await Promise.all(KUBECONFIG_USERS.map((user) => writeKubeconfig(instance, user)));
}

async function writeKubeconfig(instance: Instance, user: KubeconfigUser): Promise<void> {
  const data = async (file: string) => (await readFile(pkiPath(instance, file))).toString('base64');
  const name = instance.name;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      { name, cluster: { server: apiServerUrl(instance), 'certificate-authority-data': await data('ca.crt') } },
    ],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': await data(`${user}.crt`), 'client-key-data': await data(`${user}.key`) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
  };
  const path = kubeconfigPath(instance, user);
  await writeFile(`${path}.part`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
}
