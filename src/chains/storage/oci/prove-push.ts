import { messageOf } from '../../../errors.ts';
import { RegistryError, type Registries } from '../../../registry/client.ts';
import { parseImageReference } from '../../../registry/reference.ts';
import type { CredentialSource } from '../../../images/run-credentials.ts';
import type { ImageSubject, RunObject } from '../../types.ts';
import { askerOf } from './asker.ts';
import { wayOut } from './way-out.ts';

export interface PushProof {
  run: RunObject;
  image: ImageSubject;
  /** Plain HTTP is allowed and certificates are not checked. */
  insecure: boolean;
  registries: Registries;
  /** Those of runs alone. */
  credentials: CredentialSource;
}

/**
 * Proves that the credentials of the run's ServiceAccount may push to the image's repository, by an upload that is
 * begun and given up, and that the image is there. Where a registry lets everybody push, everybody may.
 * @throws RegistryError saying what was refused and whose credentials were used.
 */
export async function provePush(proof: PushProof, signal: AbortSignal): Promise<void> {
  const { image, insecure, registries } = proof;
  const account = proof.credentials.of(askerOf(proof.run));
  const { host, repository: name } = parseImageReference(image.repository);
  const tryOnce = async (): Promise<void> => {
    const { credentials } = await account.find(host, name, signal);
    const repository = registries.repository(host, name, { credentials, insecure, access: 'push' });
    await repository.proveUpload(signal);
    if (!(await repository.headManifest(image.digest, signal)))
      throw new RegistryError(404, `${repository.fullName} has no manifest ${image.digest}; push the image first`);
  };
  try {
    await tryOnce().catch((error: unknown) => {
      // Secrets are remembered for a while; one that was mended in the meantime deserves a second look.
      if (error instanceof RegistryError && error.isDenied && account.forget()) return tryOnce();
      throw error;
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RegistryError)) throw error;
    const why = error.isDenied ? await account.explain(host, name, signal) : wayOut(error);
    if (why === undefined) throw error;
    throw new RegistryError(error.status, `${messageOf(error)}; ${why}`, { cause: error });
  }
}
