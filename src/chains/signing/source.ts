import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { settingsOf, type ChainsConfig } from '../config.ts';
import type { ArtifactKind } from '../types.ts';
import { fileKeySigner, keyFiles, type SigningSecret } from './file-key.ts';
import type { IdentityOptions } from './identity/providers.ts';
import { keylessSigner } from './keyless.ts';
import { createKmsSigner, kmsIdentity } from './kms/index.ts';
import { ServiceError } from './service.ts';
import { payloadSigner, SigningError, type Signer } from './signer.ts';

/**
 * The signer for this type of artifact as the settings and the Secret are now. `pass` stands for one pass over one run:
 * with the same object, keyless artifacts share key and certificate; without it every call gets its own.
 * @throws SigningError naming key, setting and way out; for the signer "none", which signs nothing.
 */
export type SignerSource = (kind: ArtifactKind, pass?: object) => Promise<Signer>;

export interface SignerSourceOptions extends IdentityOptions {
  config: () => Pick<ChainsConfig, 'taskrun' | 'pipelinerun' | 'oci' | 'signers'>;
  /** The data of Secret signing-secrets, decoded; `readSigningSecret` for the mounted one. Only asked for x509 keys. */
  secret: () => SigningSecret | Promise<SigningSecret>;
}

/**
 * Signers are kept by the content they are made of: as long as Secret and settings say the same, a key is opened once;
 * when they change, the next call gets a new signer, and whoever holds the old one can still use it.
 */
export function createSignerSource(options: SignerSourceOptions): SignerSource {
  const keys = new Kept<Signer>();
  const services = new Kept<Signer>();
  const passes = new WeakMap<object, Map<string, Signer>>();

  function keyless(config: ReturnType<SignerSourceOptions['config']>, pass: object): Signer {
    const settings = config.signers.x509;
    const identity = JSON.stringify(settings);
    const signers = passes.get(pass) ?? new Map<string, Signer>();
    passes.set(pass, signers);
    const signer = signers.get(identity) ?? payloadSigner(keylessSigner(settings, options));
    signers.set(identity, signer);
    return signer;
  }

  return async (kind, pass = {}) => {
    const config = options.config();
    const { signer } = settingsOf(config as ChainsConfig, kind);
    switch (signer) {
      case 'none':
        throw new SigningError(
          `artifacts.${kind}.signer in chains-config is "none": artifacts of this type are not signed`,
          { retryable: false },
        );
      case 'kms':
        return services.get(await kmsIdentity(config.signers.kms), async () =>
          payloadSigner(createKmsSigner(config.signers.kms, options)),
        );
      case 'x509': {
        if (config.signers.x509.fulcio.enabled) return keyless(config, pass);
        const secret = await options.secret();
        return keys.get(contentOf(secret), async () => payloadSigner(await fileKeySigner(secret)));
      }
      default: {
        const never: never = signer;
        return never;
      }
    }
  };
}

/**
 * One value by the content it is made of. A failure is kept too when trying again cannot help (opening a key is
 * costly).
 */
class Kept<T> {
  #content: string | undefined;
  #value: Promise<T> | undefined;

  get(content: string, make: () => Promise<T>): Promise<T> {
    if (this.#value !== undefined && this.#content === content) return this.#value;
    const value = make();
    this.#content = content;
    this.#value = value;
    value.catch((error: unknown) => {
      if (
        this.#value === value &&
        !((error instanceof SigningError || error instanceof ServiceError) && !error.retryable)
      )
        this.#value = undefined;
    });
    return value;
  }
}

function contentOf(secret: SigningSecret): string {
  const hash = createHash('sha256');
  for (const file of keyFiles)
    hash
      .update(secret[file] === undefined ? `${file} absent;` : `${file} ${secret[file].length};`)
      .update(secret[file] ?? '');
  return hash.digest('hex');
}

/**
 * Reads the Secret where it is mounted (upstream: /etc/signing-secrets). A file that is not there is left out.
 * @throws SigningError when a file is there but cannot be read.
 */
export async function readSigningSecret(directory: string): Promise<SigningSecret> {
  const found: Record<string, Uint8Array> = {};
  for (const file of keyFiles) {
    try {
      found[file] = await readFile(path.join(directory, file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new SigningError(
          `key ${file} of Secret signing-secrets cannot be read in ${directory}; check the mount of the Secret`,
          { cause: error },
        );
    }
  }
  return found;
}
