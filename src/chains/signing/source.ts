import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { settingsOf, type ChainsConfig, type KmsSettings } from '../config/settings.ts';
import type { SigningKeyChoice } from '../namespaces.ts';
import type { ArtifactKind } from '../types.ts';
import { fileKeySigner, keyFiles, signingSecretName, type SigningSecret } from './file-key.ts';
import type { IdentityOptions } from './identity/providers.ts';
import { keylessSigner } from './keyless.ts';
import { createKmsSigner, kmsIdentity } from './kms/index.ts';
import { ServiceError } from './service.ts';
import { payloadSigner, SigningError, type Signer } from './signer.ts';

/**
 * The signer for this type of artifact as the settings and the Secret are now. `pass` stands for one pass over one run:
 * with the same object, keyless artifacts share key and certificate; without it every call gets its own. `key` wins
 * over the settings (signing.namespaces).
 * @throws SigningError naming key, setting and way out; for the signer "none", which signs nothing.
 */
export type SignerSource = (kind: ArtifactKind, pass?: object, key?: SigningKeyChoice) => Promise<Signer>;

export interface SignerSourceOptions extends IdentityOptions {
  config: () => Pick<ChainsConfig, 'taskrun' | 'pipelinerun' | 'oci' | 'signers'>;
  /** The data of Secret signing-secrets, decoded; `readSigningSecret` for the mounted one. Only asked for x509 keys. */
  secret: () => SigningSecret | Promise<SigningSecret>;
  /** The data of another Secret in the same namespace, decoded; empty when it does not exist. */
  otherSecret?: (name: string) => Promise<SigningSecret>;
}

/**
 * Signers are kept by the content they are made of: as long as Secret and settings say the same, a key is opened once;
 * when they change, the next call gets a new signer, and whoever holds the old one can still use it.
 */
export function createSignerSource(options: SignerSourceOptions): SignerSource {
  const keys = new KeptByName<Signer>();
  const services = new KeptByName<Signer>();
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

  async function kms(settings: KmsSettings): Promise<Signer> {
    return services.get(settings.ref, await kmsIdentity(settings), () =>
      Promise.resolve(payloadSigner(createKmsSigner(settings, options))),
    );
  }

  async function fromSecret(name: string, secret: SigningSecret): Promise<Signer> {
    return keys.get(name, contentOf(secret), async () => payloadSigner(await fileKeySigner(secret, name)));
  }

  async function chosen(key: SigningKeyChoice, settings: KmsSettings): Promise<Signer> {
    switch (key.kind) {
      case 'kms':
        return kms({ ...settings, ref: key.ref });
      case 'secret':
        return fromSecret(key.name, (await options.otherSecret?.(key.name)) ?? {});
      default: {
        const never: never = key;
        return never;
      }
    }
  }

  return async (kind, pass = {}, key) => {
    const config = options.config();
    const { signer } = settingsOf(config as ChainsConfig, kind);
    if (key !== undefined && signer !== 'none') return chosen(key, config.signers.kms);
    switch (signer) {
      case 'none':
        throw new SigningError(
          `artifacts.${kind}.signer in chains-config is "none": artifacts of this type are not signed`,
          { retryable: false },
        );
      case 'kms':
        return kms(config.signers.kms);
      case 'x509': {
        if (config.signers.x509.fulcio.enabled) return keyless(config, pass);
        return fromSecret(signingSecretName, await options.secret());
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

/** More names than an operator has keys. */
const mostNames = 256;

/** A `Kept` for each name. */
class KeptByName<T> {
  readonly #kept = new Map<string, Kept<T>>();

  get(name: string, content: string, make: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(name) ?? new Kept<T>();
    if (this.#kept.size >= mostNames && !this.#kept.has(name)) this.#kept.delete(this.#kept.keys().next().value ?? '');
    this.#kept.set(name, kept);
    return kept.get(content, make);
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
