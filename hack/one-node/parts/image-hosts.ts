import { connect } from 'node:net';
import type { Instance } from '../instance.ts';
import type { Part } from '../part.ts';
import { pkiPath } from '../pki.ts';
import { registryUrl } from './registry.ts';

/**
 * Hosts that coredns resolves to the node, as a regular expression of DNS names: images live there, nothing else does.
 */
export const IMAGE_HOSTS =
  '^((index|registry-1|auth|www)[.])?docker[.]io[.]$|^([a-z0-9-]+[.])*gcr[.]io[.]$|^([a-z0-9-]+[.])+pkg[.]dev[.]$|^(ghcr[.]io|quay[.]io|registry[.]k8s[.]io|public[.]ecr[.]aws|mcr[.]microsoft[.]com|cgr[.]dev|registry[.]access[.]redhat[.]com|registry[.]redhat[.]io)[.]$';

/**
 * Serves the registry to pods as https://index.docker.io and so on: containerd has a mirror setting, programs in pods
 * do not.
 */
export const imageHosts: Part = {
  name: 'image-hosts',
  modes: ['full'],
  after: ['registry'],
  binaries: ['image-hosts'],
  launch(instance, binary) {
    return {
      argv: [
        binary('image-hosts'),
        `--listen=${instance.address}:443`,
        `--registry=${registryUrl(instance)}`,
        `--ca-cert=${pkiPath(instance, 'ca.crt')}`,
        `--ca-key=${pkiPath(instance, 'ca.key')}`,
      ],
    };
  },
  health: (instance) => probePort(instance, 443),
};

function probePort(instance: Instance, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: instance.address, port, timeout: 3_000 });
    const end = (complaint?: string) => {
      socket.destroy();
      resolve(complaint);
    };
    socket
      .once('connect', () => end())
      .once('timeout', () => end(`port ${port} does not answer`))
      .once('error', (error) => end(error.message));
  });
}
