import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seal } from '../reconciler/world.fake.ts';
import { envelopeOf } from '../signing/dsse.ts';
import { inTotoPayloadType, type Payload } from '../types.ts';
import {
  completed,
  decodeJournal,
  encodeJournal,
  LONGEST_JOURNAL,
  payloadDigest,
  type JournalEntry,
} from './journal.ts';

const own = { uid: 'u', seal };
const logEntry = {
  url: 'u',
  logIndex: 3,
  tlogEntry: { canonicalizedBody: 'x' },
} as unknown as JournalEntry['logEntry'];

function payloadOf(json: Uint8Array): Payload {
  return { json, payloadType: inTotoPayloadType, predicateType: 'p', wrap: true, subjects: [] };
}

function entry(json: Uint8Array, more: Partial<JournalEntry> = {}): JournalEntry {
  const signature = Buffer.from('signature');
  return {
    kind: 'taskrun',
    shortKey: 's',
    fullKey: 'f',
    digest: payloadDigest(json),
    signer: 'test key',
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
  it('gives back what was put in, but for the payload, which is made anew', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (json) => {
        const before = entry(json, { timestamp: Buffer.from('time'), logEntry });
        const { entries, problem } = decodeJournal(encodeJournal([before], 1e6, own), own);
        expect(problem).toBeUndefined();
        const [after] = entries;
        expect(after?.logEntry).toEqual(before.logEntry);
        expect(after && completed(after.signature, payloadOf(json)).envelope).toEqual(before.signature.envelope);
        expect(after).toMatchObject({ stored: ['oci'], signer: 'test key', digest: payloadDigest(json) });
      }),
      { numRuns: 50 },
    );
  });

  const noise = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3) * 104729) % 251));
  const noisy = { url: 'u', body: noise.toString('base64') } as unknown as JournalEntry['logEntry'];
  it.each([
    ['all of it', 20_000, true],
    ['the signatures without the log entry', 1_000, false],
  ])('keeps %s in %d characters', (_name, room, hasLogEntry) => {
    const text = encodeJournal([entry(noise, { logEntry: noisy })], room, own);
    expect(text?.length).toBeLessThanOrEqual(room);
    const [after] = decodeJournal(text, own).entries;
    expect(after?.logEntry !== undefined).toBe(hasLogEntry);
    expect(Buffer.from(after?.signature.signature ?? []).toString()).toBe('signature');
  });

  it.each([
    ['more than can be read again, though it packs well: the log entry goes', 512 * 1024, false],
    ['less than that', 500 * 1024, true],
  ])('holds %s', (_name, length, hasLogEntry) => {
    const wordy = { url: 'u', body: 'x'.repeat(length) } as unknown as JournalEntry['logEntry'];
    const { entries, problem } = decodeJournal(encodeJournal([entry(noise, { logEntry: wordy })], 1e6, own), own);
    expect(problem).toBeUndefined();
    expect(entries.map((one) => one.logEntry !== undefined)).toEqual([hasLogEntry]);
  });

  it('is left out when not even the signatures fit', () => {
    expect(encodeJournal([entry(noise)], 50, own)).toBeUndefined();
  });

  it('holds the signatures of as many images as a run may have', () => {
    const many = Array.from({ length: 256 }, (_, index) =>
      entry(Buffer.from(String(index)), {
        fullKey: `registry.example.com/team/image-${index}@sha256:${payloadDigest(Buffer.from(`${index}`))}`,
        signature: {
          ...entry(noise).signature,
          signature: Buffer.from(payloadDigest(Buffer.from(`signature ${index}`)) + payloadDigest(noise), 'hex'),
        },
      }),
    );
    const text = encodeJournal(many, 1e6, own);
    expect(text?.length).toBeLessThanOrEqual(LONGEST_JOURNAL);
    expect(decodeJournal(text, own).entries).toHaveLength(256);
  });

  it('is empty without an annotation', () => {
    expect(decodeJournal(undefined, own)).toEqual({ entries: [] });
  });
});

describe('a journal that Chains did not write for this run', () => {
  const written = encodeJournal([entry(Buffer.from('x'))], 1e6, own) ?? '';
  const bomb = deflateRawSync(`[${' '.repeat(16 * 1024 * 1024)}]`).toString('base64');
  const numbers = deflateRawSync(`[${'1,'.repeat(8 * 1024 * 1024)}1]`, { level: 1 }).toString('base64');
  const rows: [name: string, text: string][] = [
    ['rubbish', 'xyz'],
    ['JSON of another form', Buffer.from('[1]').toString('base64')],
    ['as it was before there were seals', written.slice(written.indexOf('.') + 1)],
    ['with another word in it', `${written.slice(0, -6)}AAAAAA`],
    ['with a seal of another length', `A${written}`],
    ["another run's", encodeJournal([entry(Buffer.from('x'))], 1e6, { uid: 'other', seal }) ?? ''],
    ['a mark', seal.stamp('mark', 'u', deflateRawSync('[]').toString('base64'))],
    ['a bomb', bomb],
    ['a bomb behind a seal of its own making', `${'A'.repeat(43)}.${bomb}`],
    ['a list of many numbers', numbers],
    ['as long as annotations may be', 'A'.repeat(256 * 1024)],
  ];
  it.each(rows)('is empty, with a short reason, and costs nothing: %s', (_name, text) => {
    const heap = process.memoryUsage().heapUsed;
    const before = process.cpuUsage();
    const { entries, problem } = decodeJournal(text, own);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(100);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(64 * 1024 * 1024);
    expect(entries).toEqual([]);
    expect(problem?.length).toBeLessThan(300);
  });

  it.each([
    ['a bomb', bomb],
    ['a list of many numbers', numbers.slice(0, 60_000)],
    ['many entries', deflateRawSync(`[${'{},'.repeat(170_000)}{}]`).toString('base64')],
    ['another form', deflateRawSync('{"a":1}').toString('base64')],
    ['an entry of another form', deflateRawSync('[{"kind":"x"}]').toString('base64')],
  ])('is bounded even with the right seal: %s', (_name, packed) => {
    const before = process.cpuUsage();
    const { entries, problem } = decodeJournal(seal.stamp('pending', 'u', packed), own);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(200);
    expect(entries).toEqual([]);
    expect(problem?.length).toBeLessThan(300);
  });

  it('whatever one changes in it, nothing is taken', () => {
    fc.assert(
      fc.property(fc.nat(written.length - 1), fc.integer({ min: 33, max: 126 }), (index, code) => {
        const changed = `${written.slice(0, index)}${String.fromCharCode(code)}${written.slice(index + 1)}`;
        // The last character of the seal carries two bits that say nothing.
        fc.pre(changed !== written && index !== 42);
        expect(decodeJournal(changed, own).entries).toEqual([]);
      }),
    );
  });
});
