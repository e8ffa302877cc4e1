import { describe, expect, it } from 'vitest';
import { kindOfAddress, literalAddress } from './addresses.ts';

describe('kindOfAddress', () => {
  it.each([
    ['8.8.8.8', 'public'],
    ['172.15.255.255', 'public'],
    ['172.32.0.0', 'public'],
    ['2606:4700::1111', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['127.0.0.1', 'internal'],
    ['0.0.0.0', 'internal'],
    ['10.96.0.1', 'internal'],
    ['172.16.0.1', 'internal'],
    ['192.168.1.1', 'internal'],
    ['100.64.0.1', 'internal'],
    ['169.254.1.1', 'internal'],
    ['224.0.0.1', 'internal'],
    ['255.255.255.255', 'internal'],
    ['::1', 'internal'],
    ['::', 'internal'],
    ['::ffff:127.0.0.1', 'internal'],
    ['::ffff:7f00:1', 'internal'],
    ['::127.0.0.1', 'internal'],
    ['64:ff9b::7f00:1', 'internal'],
    ['2002:7f00:1::', 'internal'],
    ['fd12::1', 'internal'],
    ['fe80::1', 'internal'],
    ['fe80::1%eth0', 'internal'],
    ['ff02::1', 'internal'],
    ['no address', 'internal'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
  ])('%s is %s', (address, kind) => expect(kindOfAddress(address)).toBe(kind));
});

describe('literalAddress', () => {
  it.each([
    ['http://[::1]:5000/', '::1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://localhost/', undefined],
    ['http://1.2.3.4.example/', undefined],
  ])('of %s is %s', (url, address) => expect(literalAddress(new URL(url).hostname)).toBe(address));
});
