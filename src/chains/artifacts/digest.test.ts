import { expect, test } from 'vitest';
import { parseDigest } from './digest.ts';

const hex = (length: number) => 'abcdef0123456789'.repeat(8).slice(0, length);

test.each([
  ['sha1', 40],
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
] as const)('%s has %i digits', (algorithm, length) => {
  expect(parseDigest(`${algorithm}:${hex(length)}`)).toEqual({ algorithm, hex: hex(length) });
  expect(parseDigest(`${algorithm}:${hex(length - 1)}`)).toBeUndefined();
  expect(parseDigest(`${algorithm}:${hex(length).toUpperCase()}`)).toBeUndefined();
});

test.each([
  [`SHA256:${hex(64)}`, { algorithm: 'sha256', hex: hex(64) }],
  [` sha256 : ${hex(64)}\n`, { algorithm: 'sha256', hex: hex(64) }],
  ['sha:123', undefined],
  ['abc', undefined],
  ['', undefined],
  [`md5:${hex(32)}`, undefined],
  [`sha256:${hex(64)}:`, undefined],
  ['sha256:jh5f72', undefined],
  [`toString:${hex(40)}`, undefined],
])('%j', (text, expected) => {
  expect(parseDigest(text)).toEqual(expected);
});
