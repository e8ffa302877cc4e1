/** Git's wire format: packets with their length in four hex digits before them, and three packets without content. */
export type Packet = { kind: 'flush' } | { kind: 'delimiter' } | { kind: 'end' } | { kind: 'data'; data: Buffer };

/** What is no packet, or breaks off. */
export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

const special: Readonly<Record<number, Packet>> = {
  0: { kind: 'flush' },
  1: { kind: 'delimiter' },
  2: { kind: 'end' },
};
const headLength = 4;
/** Servers fill packets; each costs memory of its own, however little is in it. */
const mostPackets = 400_000;

/** All packets of an answer. @throws ProtocolError */
export function packetsOf(answer: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < answer.length;) {
    if (packets.length >= mostPackets) throw new ProtocolError(`the answer has more than ${mostPackets} packets`);
    const head = answer.toString('latin1', at, at + headLength);
    const length = /^[0-9a-f]{4}$/i.test(head) ? Number.parseInt(head, 16) : Number.NaN;
    const found = special[length];
    if (found !== undefined) {
      packets.push(found);
      at += headLength;
      continue;
    }
    if (!(length > headLength - 1) || at + length > answer.length)
      throw new ProtocolError("the answer is not in git's wire format, or breaks off");
    packets.push({ kind: 'data', data: answer.subarray(at + headLength, at + length) });
    at += length;
  }
  return packets;
}

/** A packet's text without the newline at its end. */
export function lineOf(data: Buffer): string {
  return data.toString('utf8').replace(/\n$/, '');
}

/** A request: texts become lines, `null` is a flush, `undefined` a delimiter. */
export function packetLines(...lines: readonly (string | null | undefined)[]): Buffer {
  return Buffer.concat(
    lines.map((line) => {
      if (line === null) return Buffer.from('0000');
      if (line === undefined) return Buffer.from('0001');
      const body = Buffer.from(`${line}\n`);
      return Buffer.concat([Buffer.from((body.length + headLength).toString(16).padStart(headLength, '0')), body]);
    }),
  );
}
