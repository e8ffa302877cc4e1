import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import { defaultAlgorithm, signBytes } from './algorithm.ts';
import { openCosignKey } from './cosign-key.ts';
import { SigningError, type ByteSigner } from './signer.ts';

/** The data of Secret signing-secrets by key, decoded. */
export type SigningSecret = Readonly<Record<string, Uint8Array>>;

/** The Secret whose key signs, unless a namespace has its own (signing.namespaces). */
export const signingSecretName = 'signing-secrets';

/** The keys of the Secret that decide which key signs. */
export const keyFiles = ['x509.pem', 'cosign.key', 'cosign.password'] as const;

/**
 * The signer over the private key in signing-secrets: x509.pem before cosign.key, as upstream.
 * @throws SigningError, naming the file and the way out.
 */
export async function fileKeySigner(secret: SigningSecret, name = signingSecretName): Promise<ByteSigner> {
  const pem = secret['x509.pem'];
  if (pem !== undefined) return keySigner(openPkcs8(pem, name), 'x509.pem', name);
  const cosignKey = secret['cosign.key'];
  if (cosignKey === undefined) {
    throw new SigningError(
      `Secret ${name} has neither x509.pem nor cosign.key; make a key with "cosign generate-key-pair k8s://<namespace>/${name}", or set signers.x509.fulcio.enabled or artifacts.*.signer in chains-config`,
      { retryable: false },
    );
  }
  const password = secret['cosign.password'];
  if (password === undefined) {
    throw new SigningError(
      `Secret ${name} has cosign.key but no cosign.password; add it (an empty value if the key has no password)`,
      { retryable: false },
    );
  }
  return keySigner(await openCosignKey(cosignKey, password, name), 'cosign.key', name);
}

/** PKCS#8 without a password. */
function openPkcs8(file: Uint8Array, name: string): KeyObject {
  const text = Buffer.from(file).toString('latin1');
  const type = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (type !== 'PRIVATE KEY') {
    const found = type === undefined ? 'no PEM block' : `a PEM block "${type}"`;
    throw new SigningError(
      `key x509.pem of Secret ${name} holds ${found}, not an unencrypted "PRIVATE KEY"; convert it with "openssl pkcs8 -topk8 -nocrypt"`,
      { retryable: false },
    );
  }
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new SigningError(
      `key x509.pem of Secret ${name} cannot be read as PKCS#8: ${messageOf(error)}; make one with "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"`,
      { retryable: false, cause: error },
    );
  }
}

/** A signer over a private key in memory. @throws SigningError for kinds of key that cosign cannot verify. */
export function keySigner(privateKey: KeyObject, file: string, secret = signingSecretName): ByteSigner {
  const description = `key ${file} of Secret ${secret}`;
  try {
    const publicKey = createPublicKey(privateKey);
    const algorithm = defaultAlgorithm(publicKey);
    return {
      description,
      currentKey: () => Promise.resolve({ publicKey, algorithm }),
      async signBytes(bytes) {
        return { signature: await signBytes(privateKey, algorithm, bytes), key: { publicKey, algorithm } };
      },
    };
  } catch (error) {
    throw new SigningError(`${description}: ${messageOf(error)}`, { retryable: false, cause: error });
  }
}
