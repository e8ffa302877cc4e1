import type { Volume, VolumeMount } from '../../api/core/container.ts';
import { shortHash } from '../naming.ts';
import { paths } from './names.ts';

/** A Secret listed by the run's ServiceAccount: its data stays with the API server. */
export interface CredentialSecret {
  name: string;
  type?: string;
  annotations?: Record<string, string>;
}

export interface Credentials {
  /** Flags for every step's entrypoint. */
  flags: string[];
  volumes: Volume[];
  mounts: VolumeMount[];
}

/**
 * How steps get the credentials of the ServiceAccount's secrets (docs/auth.md). Docker first, then git, each secret
 * once; annotations in the order of their keys.
 * @param requireKnownHosts the entrypoint, which alone sees the secrets' data, refuses SSH keys without known_hosts
 */
export function credentials(secrets: readonly CredentialSecret[], requireKnownHosts = false): Credentials {
  const result: Credentials = { flags: [], volumes: [], mounts: [] };
  const seen = new Set<string>();
  for (const secret of secrets) {
    const flags = [...dockerFlags(secret), ...gitFlags(secret)];
    if (seen.has(secret.name) || flags.length === 0) continue;
    seen.add(secret.name);
    // A secret's name may have dots, a volume's may not.
    const volume = `tekton-internal-secret-volume-${secret.name.replaceAll('.', '-').slice(0, 25)}-${shortHash(secret.name, 5)}`;
    result.flags.push(...flags);
    result.volumes.push({ name: volume, secret: { secretName: secret.name } });
    result.mounts.push({ name: volume, mountPath: `${paths.credsSecrets}/${secret.name}` });
  }
  if (requireKnownHosts && result.flags.some((flag) => flag.startsWith('-ssh-git=')))
    result.flags.unshift('-require_git_ssh_known_hosts');
  return result;
}

function dockerFlags(secret: CredentialSecret): string[] {
  switch (secret.type) {
    case 'kubernetes.io/basic-auth':
      return urls(secret, 'tekton.dev/docker-').map((url) => `-basic-docker=${secret.name}=${url}`);
    case 'kubernetes.io/dockercfg':
      return [`-docker-cfg=${secret.name}`];
    case 'kubernetes.io/dockerconfigjson':
      return [`-docker-config=${secret.name}`];
    default:
      return [];
  }
}

function gitFlags(secret: CredentialSecret): string[] {
  switch (secret.type) {
    case 'kubernetes.io/basic-auth':
      return urls(secret, 'tekton.dev/git-').map((url) => `-basic-git=${secret.name}=${url}`);
    case 'kubernetes.io/ssh-auth':
      return urls(secret, 'tekton.dev/git-').map((url) => `-ssh-git=${secret.name}=${url}`);
    default:
      return [];
  }
}

function urls(secret: CredentialSecret, prefix: string): string[] {
  const annotations = secret.annotations ?? {};
  return Object.keys(annotations)
    .filter((key) => key.startsWith(prefix))
    .sort()
    .map((key) => annotations[key] ?? '');
}
