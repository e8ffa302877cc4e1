/**
 * An ECDSA signature as r and s side by side (JOSE, Azure) to ASN.1 DER (Sigstore): SEQUENCE { INTEGER r, INTEGER s }.
 */
export function ecdsaDer(raw: Uint8Array): Buffer {
  if (raw.length === 0 || raw.length % 2 !== 0)
    throw new Error(`an ECDSA signature of ${raw.length} bytes is not r and s side by side`);
  const half = raw.length / 2;
  const body = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))]);
  // P-521 makes more than 127 bytes, where the length takes a byte of its own.
  const length = body.length < 0x80 ? Buffer.of(body.length) : Buffer.of(0x81, body.length);
  return Buffer.concat([Buffer.of(0x30), length, body]);
}

function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const bare = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  const positive = (bare[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bare]) : Buffer.from(bare);
  return Buffer.concat([Buffer.of(0x02, positive.length), positive]);
}
