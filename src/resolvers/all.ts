import type { CredentialSource } from '../images/run-credentials.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Registries } from '../registry/client.ts';
import { bundleResolver } from './bundles/resolver.ts';
import { clusterResolver } from './cluster/resolver.ts';
import { gitResolver } from './git/resolver.ts';
import { httpResolver } from './http/resolver.ts';
import { hubResolver } from './hub/resolver.ts';
import type { HubAddresses } from './hub/settings.ts';
import type { RemoteFetch } from './remote.ts';
import type { Resolver } from './resolver.ts';
import type { SecretValues } from './secrets.ts';

export interface ResolverParts {
  client: Pick<KubeClient, 'get'>;
  remote: RemoteFetch;
  secrets: SecretValues;
  registries: Registries;
  credentials: CredentialSource;
  hubs: HubAddresses;
  systemNamespace: string;
}

/** All resolvers of the suite. */
export function allResolvers(parts: ResolverParts): Resolver[] {
  const { client, remote, secrets, hubs } = parts;
  return [
    bundleResolver(parts),
    clusterResolver(client),
    gitResolver(parts),
    httpResolver(remote, secrets),
    hubResolver(remote, hubs),
  ];
}
