import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelopeOf } from '../signing/dsse.ts';
import { inTotoPayloadType, type Payload } from '../types.ts';
import { completed, decodeJournal, encodeJournal, payloadDigest, type JournalEntry } from './journal.ts';

function entry(json: Uint8Array, more: Partial<JournalEntry> = {}): JournalEntry {
  const payload: Payload = {
    json,
    payloadType: inTotoPayloadType,
    predicateType: 'p',
    wrap: true,
    subjects: [{ repository: 'r', digest: 'sha256:d' }],
  };
  const signature = Buffer.from('signature');
  return {
    kind: 'taskrun',
    shortKey: 's',
    fullKey: 'f',
    digest: payloadDigest(json),
    payload,
    stored: ['oci'],
    signature: {
      signature,
      publicKeyPem: 'pem',
      keyId: 'SHA256:k',
      algorithm: 'ecdsa-p256-sha256',
      scheme: 'ecdsa',
      hash: 'sha256',
      envelope: envelopeOf(inTotoPayloadType, json, signature, 'SHA256:k'),
    },
    ...more,
  };
}

describe('the journal of a run', () => {
  it('gives back what was put in, whatever the payload', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (json) => {
        const before = entry(json, {
          timestamp: Buffer.from('time'),
          logEntry: {
            url: 'u',
            logIndex: 3,
            tlogEntry: { canonicalizedBody: 'x' },
          } as unknown as JournalEntry['logEntry'],
        });
        const { entries, problem } = decodeJournal(encodeJournal([before], 1e6));
        expect(problem).toBeUndefined();
        const [after] = entries;
        expect(Buffer.from(after?.payload?.json ?? []).equals(Buffer.from(json))).toBe(true);
        expect(after?.logEntry).toEqual(before.logEntry);
        expect(after && completed(after.signature, after.payload as Payload).envelope).toEqual(
          before.signature.envelope,
        );
        expect(after?.stored).toEqual(['oci']);
      }),
      { numRuns: 50 },
    );
  });

  const noise = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3) * 104729) % 251));
  it.each([
    ['all of it', 20_000, true],
    ['the signatures without the payload', 1_000, false],
  ])('keeps %s in %d characters', (_name, room, hasPayload) => {
    const text = encodeJournal([entry(noise)], room);
    expect(text?.length).toBeLessThanOrEqual(room);
    const [after] = decodeJournal(text).entries;
    expect(after?.payload !== undefined).toBe(hasPayload);
    expect(after?.digest).toBe(payloadDigest(noise));
    expect(Buffer.from(after?.signature.signature ?? []).toString()).toBe('signature');
  });

  it('is left out when not even the signatures fit', () => {
    expect(encodeJournal([entry(noise)], 50)).toBeUndefined();
  });

  it.each([
    ['rubbish', 'xyz'],
    ['JSON of another form', Buffer.from('[1]').toString('base64')],
  ])('is empty, with a reason, when it is %s', (_name, text) => {
    const { entries, problem } = decodeJournal(text);
    expect(entries).toEqual([]);
    expect(problem).toBeTruthy();
  });

  it('is empty without an annotation', () => {
    expect(decodeJournal(undefined)).toEqual({ entries: [] });
  });
});
