import { randomBytes, scryptSync, type KeyObject } from 'node:crypto';
import nacl from 'tweetnacl';

/** A cosign.key as `cosign generate-key-pair` writes it, made here, for tests. */
export function encryptCosignKey(
  key: KeyObject,
  password: string,
  options: { N?: number; r?: number; p?: number; type?: 'COSIGN' | 'SIGSTORE' } = {},
): Buffer {
  const { N = 32_768, r = 8, p = 1, type = 'SIGSTORE' } = options;
  const [salt, nonce] = [randomBytes(32), randomBytes(24)];
  const derived = scryptSync(password, salt, 32, { N, r, p, maxmem: 256 * N * r });
  const ciphertext = nacl.secretbox(key.export({ format: 'der', type: 'pkcs8' }), nonce, derived);
  const document = {
    kdf: { name: 'scrypt', params: { N, r, p }, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(ciphertext).toString('base64'),
  };
  const body = Buffer.from(JSON.stringify(document))
    .toString('base64')
    .replace(/(.{64})/g, '$1\n');
  return Buffer.from(
    `-----BEGIN ENCRYPTED ${type} PRIVATE KEY-----\n${body}\n-----END ENCRYPTED ${type} PRIVATE KEY-----\n`,
  );
}
