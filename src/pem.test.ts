import { describe, expect, it } from 'vitest';
import { certificatesIn } from './pem.ts';

const one = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
const two = one.replace('AAAA', 'BBBB');
const key = '-----BEGIN PRIVATE KEY-----\nCCCC\n-----END PRIVATE KEY-----';

describe('the certificates in a text', () => {
  it.each<[string, string, string[]]>([
    ['one', one, [one]],
    ['several, in their order', `${two}\n${one}\n`, [two, one]],
    ['what is around them is passed over', `# of ours\n${one}\n${key}\n${two}`, [one, two]],
    ['lines as Windows ends them', one.replaceAll('\n', '\r\n'), [one.replaceAll('\n', '\r\n')]],
    ['a key is none', key, []],
    ['one that does not end', one.slice(0, -1), []],
    ['one that does not end, before a whole one', `-----BEGIN CERTIFICATE-----\n${one}`, [one]],
    ['nothing', '', []],
  ])('%s', (_name, text, expected) => expect(certificatesIn(text)).toEqual(expected));

  it('are found in megabytes of beginnings within a moment', () => {
    const before = process.cpuUsage();
    expect(certificatesIn('-----BEGIN CERTIFICATE-----\n'.repeat(100_000))).toEqual([]);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });
});
