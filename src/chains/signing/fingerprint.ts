import { createHash, type KeyObject } from 'node:crypto';
import { curveOf } from './algorithm.ts';

/** RFC 4251 `string`: length and bytes. */
function field(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}

/** RFC 4251 `mpint` of a positive number: a zero byte in front where the first bit is set. */
function number(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const bare = first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  return field((bare[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bare]) : bare);
}

/** The public key as OpenSSH writes it on the wire (RFC 4253, 5656, 8709). */
function sshKey(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' });
  const part = (name: 'n' | 'e' | 'x' | 'y') => Buffer.from(jwk[name] ?? '', 'base64url');
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return Buffer.concat([field('ssh-rsa'), number(part('e')), number(part('n'))]);
    case 'ed25519':
      return Buffer.concat([field('ssh-ed25519'), field(part('x'))]);
    default: {
      const curve = `nist${curveOf(key)}`;
      return Buffer.concat([
        field(`ecdsa-sha2-${curve}`),
        field(curve),
        field(Buffer.concat([Buffer.of(4), part('x'), part('y')])),
      ]);
    }
  }
}

/** `SHA256:<base64 without padding>`: what `ssh-keygen -l` prints, and what Chains writes as keyid of its envelopes. */
export function sshFingerprint(key: KeyObject): string {
  return `SHA256:${createHash('sha256').update(sshKey(key)).digest('base64').replace(/=+$/, '')}`;
}
