import { simpleSigningPayloadType, type ImageSubject, type Payload } from '../types.ts';

/**
 * Red Hat's simple signing, as cosign signs images (cosign specs/SIGNATURE_SPEC.md): the bytes are signed as they are,
 * so the order of the fields is part of the format.
 */
export function simpleSigningPayload(image: ImageSubject): Payload {
  const content = {
    critical: {
      identity: { 'docker-reference': image.repository },
      image: { 'docker-manifest-digest': image.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
  return {
    json: Buffer.from(JSON.stringify(content), 'utf8'),
    payloadType: simpleSigningPayloadType,
    wrap: false,
    subjects: [image],
  };
}
