import { createPrivateKey, scrypt, type KeyObject, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { SigningError } from './signer.ts';

const base64 = z.string().transform((text) => Buffer.from(text, 'base64'));

/** The JSON inside a cosign.key (go-securesystemslib, package encrypted). */
const encryptedKey = z.object({
  kdf: z.object({
    name: z.literal('scrypt'),
    params: z.object({ N: z.number(), r: z.number(), p: z.number() }),
    salt: base64,
  }),
  cipher: z.object({ name: z.literal('nacl/secretbox'), nonce: base64 }),
  ciphertext: base64,
});

/** The costs that cosign writes; others are refused as there, so that a key cannot ask for any amount of memory. */
const COSTS = [32_768, 65_536, 131_072];
const PEM =
  /-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----/;
const wayOut = 'make one with "cosign generate-key-pair k8s://<namespace>/signing-secrets"';
const derive = promisify<Uint8Array, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

/**
 * Opens a cosign.key. Takes about 0.1 to 0.4 s and up to 128 MiB in a thread of the pool: call it once per content.
 * @param password as it is in cosign.password; nothing is trimmed, as in cosign and upstream.
 * @param secret where both are from, for messages
 * @throws SigningError naming the file and what to do.
 */
export async function openCosignKey(
  file: Uint8Array,
  password: Uint8Array,
  secret = 'signing-secrets',
): Promise<KeyObject> {
  const fault = faultIn(secret);
  const { kdf, cipher, ciphertext } = parse(file, fault);
  const { N, r, p } = kdf.params;
  if (!COSTS.includes(N) || r !== 8 || p !== 1) {
    throw fault(
      `scrypt parameters N=${N} r=${r} p=${p} are not ones that cosign writes (N ${COSTS.join(', ')}; r 8; p 1); ${wayOut}`,
    );
  }
  const key = await derive(password, kdf.salt, 32, { N, r, p, maxmem: 128 * N * r * 2 });
  const nacl = (await import('tweetnacl')).default;
  if (cipher.nonce.length !== nacl.secretbox.nonceLength)
    throw fault(`the nonce has ${cipher.nonce.length} bytes instead of ${nacl.secretbox.nonceLength}; ${wayOut}`);
  const opened = nacl.secretbox.open(ciphertext, cipher.nonce, key);
  if (opened === null) {
    throw fault(
      `cannot be decrypted: key cosign.password of the same Secret is not its password${endsInNewline(password) ? ' (it ends in a newline, which counts: write it with "printf", not "echo")' : ''}`,
    );
  }
  try {
    return createPrivateKey({ key: Buffer.from(opened), format: 'der', type: 'pkcs8' });
  } catch (error) {
    throw fault(`holds no PKCS#8 private key; ${wayOut}`, error);
  }
}

function parse(file: Uint8Array, fault: ReturnType<typeof faultIn>): z.infer<typeof encryptedKey> {
  const block = PEM.exec(Buffer.from(file).toString('latin1'));
  if (block === null)
    throw fault(`is not a PEM block "ENCRYPTED SIGSTORE PRIVATE KEY" or "ENCRYPTED COSIGN PRIVATE KEY"; ${wayOut}`);
  try {
    return encryptedKey.parse(JSON.parse(Buffer.from(block[1] ?? '', 'base64').toString('utf8')));
  } catch (error) {
    throw fault(`does not hold an encrypted key (JSON with kdf scrypt and cipher nacl/secretbox); ${wayOut}`, error);
  }
}

function endsInNewline(password: Uint8Array): boolean {
  return password.at(-1) === 0x0a;
}

function faultIn(secret: string): (message: string, cause?: unknown) => SigningError {
  return (message, cause) =>
    new SigningError(`key cosign.key of Secret ${secret} ${message}`, {
      retryable: false,
      ...(cause === undefined ? {} : { cause }),
    });
}
