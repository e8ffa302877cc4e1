import { describe, expect, it } from 'vitest';
import { lineOf, packetLines, packetsOf } from './pkt-line.ts';

describe('packets', () => {
  it('are what was written', () => {
    const packets = packetsOf(packetLines('command=ls-refs', undefined, 'peel', null));
    expect(packets.map((packet) => (packet.kind === 'data' ? lineOf(packet.data) : packet.kind))).toEqual([
      'command=ls-refs',
      'delimiter',
      'peel',
      'flush',
    ]);
  });

  it.each<[name: string, answer: string, message: string]>([
    ['a length that is none', '00zz', "not in git's wire format"],
    ['a length of nothing', '0003', "not in git's wire format"],
    ['a packet that breaks off', '0009ab', "not in git's wire format"],
    ['a head that breaks off', '000', "not in git's wire format"],
    ['more packets than a server needs', '0000'.repeat(400_001), 'more than 400000 packets'],
  ])('are refused of %s', (_name, answer, message) => {
    expect(() => packetsOf(Buffer.from(answer))).toThrow(message);
  });
});
