/** A DSSE envelope; the order of the keys is the order on the wire. */
export interface DsseEnvelope {
  payloadType: string;
  /** Standard base64 of the statement. */
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

/** What is really signed: DSSE's pre-authentication encoding (github.com/secure-systems-lab/dsse, protocol.md). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

export function envelopeOf(
  payloadType: string,
  payload: Uint8Array,
  signature: Uint8Array,
  keyid: string,
): DsseEnvelope {
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid, sig: Buffer.from(signature).toString('base64') }],
  };
}

/** The envelope as Go writes it: this key order, no spaces, no newline. The bytes that are stored and logged. */
export function envelopeJson(envelope: DsseEnvelope): string {
  const { payloadType, payload, signatures } = envelope;
  return JSON.stringify({ payloadType, payload, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) });
}
