import { messageOf } from '../../errors.ts';
import type { CredentialSource } from '../../images/run-credentials.ts';
import type { Registries } from '../../registry/client.ts';
import type { RegistryCredentials } from '../../registry/keychain.ts';
import { imageManifestTypes, type ImageManifest } from '../../registry/media-types.ts';
import { InvalidImageError, parseImageReference, type ImageReference } from '../../registry/reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import { configNames } from '../defaults.ts';
import { RequestParams, cacheKeyOf, defaultTimeoutMs, durationSetting } from '../params.ts';
import {
  InvalidRequest,
  ResolutionError,
  type ConfigData,
  type ResolvedDefinition,
  type Resolver,
} from '../resolver.ts';
import { bundleAnnotations, definitionIn, largestLayer, layerOf } from './layout.ts';

const configName = configNames.bundles;
const manifestLimit = 1024 * 1024;

interface Wanted {
  bundle: string;
  image: ImageReference;
  name: string;
  kind: string;
  serviceAccountName: string;
  secret: string;
}

export interface BundleResolverOptions {
  registries: Registries;
  credentials: CredentialSource;
}

/** Definitions in OCI images as `tkn bundle push` makes them, read with the credentials of the run's ServiceAccount. */
export function bundleResolver({ registries, credentials }: BundleResolverOptions): Resolver {
  return {
    type: 'bundles',
    title: 'bundleresolver',
    configName,
    timeoutMs: (_params, config) => durationSetting(configName, config, 'fetch-timeout', defaultTimeoutMs),
    prepare({ namespace, params }, config) {
      const wanted = wantedEntry(new RequestParams(params), config);
      const { image, serviceAccountName, secret } = wanted;
      return {
        immutable: image.digest !== undefined,
        cacheKey: cacheKeyOf('bundles', image.host, image.repository, image.reference, wanted.kind, wanted.name),
        async unlock(signal) {
          const account = credentials.of({
            namespace,
            serviceAccountName,
            imagePullSecrets: secret === '' ? [] : [secret],
          });
          const found = await account.find(image.host, image.repository, signal).catch((cause: unknown) => {
            signal.throwIfAborted();
            throw new ResolutionError(`cannot read registry credentials: ${messageOf(cause)}`, {
              retryable: true,
              cause,
            });
          });
          return {
            credentials: found.credentials === undefined ? [] : [JSON.stringify(found.credentials)],
            fetch: (inner) => readEntry(registries, wanted, found, inner),
          };
        },
      };
    },
  };
}

async function readEntry(
  registries: Registries,
  wanted: Wanted,
  { credentials, origin }: { credentials: RegistryCredentials | undefined; origin: string },
  signal: AbortSignal,
): Promise<ResolvedDefinition> {
  const { image, bundle, kind, name } = wanted;
  const repository = registries.repository(image.host, image.repository, { credentials, access: 'pull' });
  try {
    const accept = imageManifestTypes;
    const manifest = await repository.getManifest(image.reference, signal, { accept, limit: manifestLimit });
    const layer = layerOf(manifestOf(manifest.bytes, bundle), bundle, kind, name);
    const blob = await repository.getBlob(layer.digest, signal, largestLayer);
    const [algorithm = '', hex = ''] = manifest.digest.split(':');
    const annotations = Object.values(bundleAnnotations).map((key) => [
      `resolution.tekton.dev/${key}`,
      layer.annotations?.[key] ?? '',
    ]);
    return {
      data: definitionIn(blob, bundle),
      annotations: Object.fromEntries(annotations) as Record<string, string>,
      refSource: { uri: nameOf(image), digest: { [algorithm]: hex }, entryPoint: name },
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof RegistryError)) throw cause;
    const hint = cause.isDenied ? `; the credentials are from ${origin}` : '';
    throw new ResolutionError(`cannot retrieve the oci image: ${bundle}: ${cause.message}${hint}`, {
      retryable: !cause.isFinal,
      cause,
    });
  }
}

function manifestOf(bytes: Buffer, bundle: string): ImageManifest {
  try {
    const manifest = JSON.parse(bytes.toString('utf8')) as ImageManifest | null;
    if (typeof manifest === 'object' && manifest !== null && Array.isArray(manifest.layers)) return manifest;
  } catch {
    // told below
  }
  throw new ResolutionError(`could not parse image manifest: ${bundle} is not an image with layers`);
}

/** go-containerregistry's name of a repository. */
function nameOf({ host, repository }: ImageReference): string {
  return `${host === 'docker.io' ? 'index.docker.io' : host}/${repository}`;
}

function wantedEntry(params: RequestParams, config: ConfigData): Wanted {
  const serviceAccountName = defaulted(params, config, {
    name: 'serviceAccount',
    key: 'default-service-account',
    what: 'Service Account',
  });
  const bundle = required(params, 'bundle');
  const image = imageOf(bundle);
  const name = required(params, 'name');
  const kind = defaulted(params, config, { name: 'kind', key: 'default-kind', what: 'resource Kind' });
  return { bundle, image, name, kind, serviceAccountName, secret: params.text('secret') };
}

function required(params: RequestParams, name: string): string {
  const value = params.text(name);
  if (value === '') throw new InvalidRequest(`parameter ${JSON.stringify(name)} required`);
  return value;
}

interface Defaulted {
  name: string;
  /** Of the ConfigMap's. */
  key: string;
  /** For messages. */
  what: string;
}

function defaulted(params: RequestParams, config: ConfigData, { name, key, what }: Defaulted): string {
  const value = params.text(name) || config[key];
  if (value === undefined)
    throw new InvalidRequest(
      `default ${what} was not set during installation of the bundle resolver; write param ${name}, or ask the operator to set ${key} in ConfigMap ${configName}`,
    );
  return value;
}

function imageOf(bundle: string): ImageReference {
  try {
    return parseImageReference(bundle);
  } catch (error) {
    if (error instanceof InvalidImageError) throw new InvalidRequest(`invalid bundle reference: ${error.message}`);
    throw error;
  }
}
