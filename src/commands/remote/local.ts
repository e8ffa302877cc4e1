import { ResolutionCache } from '../../resolvers/cache/cache.ts';
import { shippedConfig } from '../../resolvers/defaults.ts';
import { execute } from '../../resolvers/executor.ts';
import { ResolutionError, resolverTypes, type ResolvedDefinition, type Resolver } from '../../resolvers/resolver.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { HttpClient } from '../../http/client.ts';
import type { CredentialSource } from '../../images/run-credentials.ts';
import { Registries } from '../../registry/client.ts';
import { dockerConfigCredentials } from '../../registry/docker-config.ts';
import { parseImageReference } from '../../registry/reference.ts';
import { allResolvers } from '../../resolvers/all.ts';
import { RemoteFetch } from '../../resolvers/remote.ts';
import type { Clock } from '../../clock.ts';
import type { Param } from '../../api/pipeline/v1/params.ts';

/** The resolvers without a cluster: with this machine's docker config, and without anybody's secrets. */
export interface LocalResolvers {
  resolve(type: string, params: readonly Param[], signal: AbortSignal): Promise<ResolvedDefinition>;
  /** The digest of an image. @throws RegistryError */
  imageDigest(image: string, signal: AbortSignal): Promise<string | undefined>;
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export async function localResolvers(env: Environment, clock: Clock): Promise<LocalResolvers> {
  const ca = await certificatesFromEnvironment(env);
  const http = new HttpClient({ ca });
  const registries = new Registries({ ca });
  const credentials = dockerCredentials(env);
  const noCluster = (what: string) =>
    Promise.reject(
      new ResolutionError(`${what} is in the cluster, and none is asked; use a reference that needs no ${what}`),
    );
  const resolvers = allResolvers({
    client: { get: () => noCluster('Task') },
    remote: new RemoteFetch(http),
    secrets: { value: ({ name }) => noCluster(`secret ${name}`) },
    registries,
    credentials,
    hubs: { artifactHub: env['ARTIFACT_HUB_API'] ?? '', tektonHub: env['TEKTON_HUB_API'] ?? '' },
    systemNamespace: 'tekton-pipelines-resolvers',
  });
  const cache = new ResolutionCache({ maxSize: 1000, ttlMs: 300_000 }, clock);
  return {
    resolve: (type, params, signal) => {
      const resolver = known(resolvers, type);
      // Whoever runs the command may reach what this machine reaches.
      const config = { ...shippedConfig[resolver.type], 'block-private-ips': 'false' };
      const request = { namespace: 'default', params };
      return execute({ resolver, request, config, spentMs: 0 }, { cache, clock }, signal);
    },
    async imageDigest(image, signal) {
      const { host, repository, reference } = parseImageReference(image);
      const found = await credentials.of(nobody).find(host, repository, signal);
      const options = { credentials: found.credentials, access: 'pull' } as const;
      return (await registries.repository(host, repository, options).headManifest(reference, signal))?.digest;
    },
    close: async () => void (await Promise.all([http.close(), registries.close()])),
  };
}

const nobody = { namespace: '', serviceAccountName: '', imagePullSecrets: [] };

function known(resolvers: readonly Resolver[], type: string): Resolver {
  const resolver = resolvers.find((each) => each.type === type);
  if (resolver === undefined || type === 'cluster')
    throw new ResolutionError(
      type === 'cluster'
        ? 'resolver cluster needs a cluster'
        : `resolver ${JSON.stringify(type)} is none of ${resolverTypes.join(', ')}`,
    );
  return resolver;
}

function dockerCredentials(env: Environment): CredentialSource {
  return {
    of: () => ({
      find: async (host, repository, signal) => ({
        credentials: await dockerConfigCredentials(host, repository, signal, { env }),
        origin: 'the docker config',
      }),
      explain: (host) => Promise.resolve(`log in to ${host} with "docker login"`),
      forget: () => false,
    }),
  };
}
