import { SigningError } from '../signer.ts';

/** CRC-32C (Castagnoli, RFC 3720 B.4), reflected; Node's zlib has only the other CRC-32. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** The CRC-32C of these bytes in decimal, as Cloud KMS's int64 fields have it in JSON. */
export function checksumOf(bytes: Uint8Array): string {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (table[(value ^ byte) & 0xff] ?? 0);
  return String((value ^ 0xffffffff) >>> 0);
}

/**
 * Judges an answer by what Google's data integrity guidelines have a client check: pairs of verdict and field.
 * @throws SigningError (retryable: bytes are damaged by chance) naming the first field that is wrong.
 */
export function checkAnswer(version: string, verdicts: readonly (readonly [right: boolean, field: string])[]): void {
  const wrong = verdicts.find(([right]) => !right)?.[1];
  if (wrong !== undefined)
    throw new SigningError(
      `Cloud KMS ${version}: request or answer was damaged on the way (${wrong}); if it stays so, look at proxies between here and Cloud KMS`,
    );
}
