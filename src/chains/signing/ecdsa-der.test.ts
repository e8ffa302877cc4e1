import fc from 'fast-check';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ecdsaDer } from './ecdsa-der.ts';

describe('ecdsaDer', () => {
  const pairs = ['P-256', 'P-384', 'P-521'].map((namedCurve) => generateKeyPairSync('ec', { namedCurve }));

  it('turns any signature of r and s into one that OpenSSL accepts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...pairs), fc.uint8Array(), (pair, message) => {
        const raw = sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
        expect(verify('sha256', message, pair.publicKey, ecdsaDer(raw))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    { name: 'leading zeros go', raw: '0000000100000002', der: '3006020101020102' },
    { name: 'a high bit gets a zero byte', raw: 'ff01', der: '3007020200ff020101' },
    { name: 'zero stays a number', raw: '0000', der: '3006020100020100' },
  ])('$name', ({ raw, der }) => {
    expect(ecdsaDer(Buffer.from(raw, 'hex')).toString('hex')).toBe(der);
  });

  it.each(['', '01', '010203'])('refuses %j, which has no halves', (raw) => {
    expect(() => ecdsaDer(Buffer.from(raw, 'hex'))).toThrow(/r and s/);
  });
});
