import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { Registries } from '../../registry/client.ts';
import { dockerConfigCredentials } from '../../registry/docker-config.ts';
import type { RegistryCredentials } from '../../registry/keychain.ts';
import { InvalidImageError, parseImageReference, type ImageReference } from '../../registry/reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import type { Repository } from '../../registry/repository.ts';
import { CommandError } from '../command.ts';
import type { RemoteFlags } from './registry-flags.ts';

/** @throws CommandError for what is no image reference. */
export function bundleReference(name: string): ImageReference {
  try {
    return parseImageReference(name);
  } catch (error) {
    if (error instanceof InvalidImageError) throw new CommandError(error.message);
    throw error;
  }
}

export interface RemoteUse {
  image: ImageReference;
  access: 'pull' | 'push';
  flags: RemoteFlags;
  signal: AbortSignal;
}

/** Works with the repository of a bundle, with the credentials of the flags or of the docker config. */
export async function withRepository<T>(
  { image, access, flags, signal }: RemoteUse,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const registries = new Registries({ ca: await certificatesFromEnvironment(process.env) });
  try {
    const credentials = credentialsOf(flags) ?? (await dockerConfigCredentials(image.host, image.repository, signal));
    const options = { credentials, access, insecure: flags['remote-skip-tls'] };
    return await work(registries.repository(image.host, image.repository, options));
  } catch (error) {
    if (error instanceof RegistryError) throw new CommandError(error.message);
    throw error;
  } finally {
    await registries.close();
  }
}

function credentialsOf(flags: RemoteFlags): RegistryCredentials | undefined {
  const [username, password, token] = [flags['remote-username'], flags['remote-password'], flags['remote-bearer']];
  if ((username === '') !== (password === ''))
    throw new CommandError('--remote-username and --remote-password must be given together');
  if (username !== '') return { username, password };
  return token === '' ? undefined : { username: '', password: '', registryToken: token };
}
