import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../clock.ts';
import { joinUrl, observed, request, type Request, type Surroundings } from '../signing/service.ts';
import { SigningError } from '../signing/signer.ts';

/** OID 2.16.840.1.101.3.4.2.1 (SHA-256) with NULL parameters, as DER AlgorithmIdentifier. */
const sha256Algorithm = Buffer.from('300d06096086480165030402010500', 'hex');

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length > 0x7f) throw new Error('longer than a timestamp request can be');
  return Buffer.concat([Buffer.of(tag, body.length), body]);
}

/** TimeStampReq of RFC 3161 over the SHA-256 of `message`, with a nonce, asking for the certificates. */
export function timestampRequest(message: Uint8Array, nonce: Uint8Array): Buffer {
  const imprint = der(0x30, sha256Algorithm, der(0x04, createHash('sha256').update(message).digest()));
  // A leading byte 0 to 0x7f keeps the INTEGER positive and of minimal length.
  const positive = Buffer.concat([Buffer.of((nonce[0] ?? 1) & 0x7f || 1), nonce.subarray(1)]);
  return der(0x30, der(0x02, Buffer.of(1)), imprint, der(0x02, positive), der(0x01, Buffer.of(0xff)));
}

export interface TimestampOptions extends Surroundings {
  random?: (bytes: number) => Uint8Array;
}

/**
 * A timestamp over `message`: DER of the TimeStampResponse. cosign wants it over the signature bytes beside a `.sig`
 * and in a bundle, but over the bytes of the whole envelope beside an `.att`.
 * @param address transparency.timestamp-url: with a path it is used as it is, else Sigstore's /api/v1/timestamp is
 *   added.
 * @throws SigningError naming the authority and the way out.
 */
export async function requestTimestamp(
  address: string,
  message: Uint8Array,
  signal: AbortSignal,
  options: TimestampOptions = {},
): Promise<Buffer> {
  if (!URL.canParse(address))
    throw new SigningError(
      `transparency.timestamp-url in chains-config is ${JSON.stringify(address)}, which is not a URL; write https://host`,
      { retryable: false },
    );
  const wanted: Request = {
    service: 'timestamp authority',
    url: new URL(address).pathname === '/' ? joinUrl(address, 'api/v1/timestamp') : address,
    method: 'POST',
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: timestampRequest(message, (options.random ?? randomBytes)(8)),
    wayOut: 'check transparency.timestamp-url in chains-config',
  };
  const { body } = await observed(options, 'tsa', signal, () => request(wanted, signal, options.clock ?? systemClock));
  await check(body, message, wanted);
  return body;
}

/** A refusal comes with status 200 too: the response says itself whether it was granted, and for what. */
async function check(body: Uint8Array, message: Uint8Array, wanted: Request): Promise<void> {
  const { RFC3161Timestamp } = await import('@sigstore/core');
  try {
    const parsed = RFC3161Timestamp.parse(Buffer.from(body));
    if (![0n, 1n].includes(parsed.status)) throw new Error(`the request was refused with status ${parsed.status}`);
    const imprint = createHash('sha256').update(message).digest();
    if (!parsed.tstInfo.messageImprintHashedMessage.equals(imprint)) throw new Error('it is for another message');
  } catch (error) {
    throw new SigningError(
      `timestamp authority ${wanted.url}: the answer is no timestamp: ${error instanceof Error ? error.message : String(error)}; ${wanted.wayOut}`,
      { cause: error },
    );
  }
}
