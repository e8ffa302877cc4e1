import { ProtocolError } from './pkt-line.ts';

/** Builds an object from another one and the changes to it. @throws ProtocolError when they do not fit together. */
export function applyDelta(base: Buffer, delta: Buffer, largest: number): Buffer {
  const reader = { delta, at: 0 };
  const baseSize = readSize(reader);
  const size = readSize(reader);
  if (baseSize !== base.length || size > largest)
    throw new ProtocolError('the pack has a delta that does not fit its base');
  const result = Buffer.alloc(size);
  let filled = 0;
  while (reader.at < delta.length) {
    const piece = nextPiece(reader, base);
    if (filled + piece.length > size) throw new ProtocolError('the pack has a delta that makes too much');
    piece.copy(result, filled);
    filled += piece.length;
  }
  if (filled !== size) throw new ProtocolError('the pack has a delta that makes too little');
  return result;
}

interface Reader {
  delta: Buffer;
  at: number;
}

function nextPiece(reader: Reader, base: Buffer): Buffer {
  const code = readByte(reader);
  if ((code & 0x80) === 0) {
    if (code === 0 || reader.at + code > reader.delta.length) throw new ProtocolError('the pack has a malformed delta');
    reader.at += code;
    return reader.delta.subarray(reader.at - code, reader.at);
  }
  const offset = readBits(reader, code, [1, 2, 4, 8]);
  const length = readBits(reader, code, [16, 32, 64]) || 0x10000;
  if (offset + length > base.length) throw new ProtocolError('the pack has a delta beyond its base');
  return base.subarray(offset, offset + length);
}

/** A number of which only the bytes are there whose flag is set. */
function readBits(reader: Reader, code: number, flags: readonly number[]): number {
  return flags.reduce((value, flag, index) => (code & flag ? value + readByte(reader) * 256 ** index : value), 0);
}

function readSize(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER / 256) throw new ProtocolError('the pack has a malformed delta');
    if ((byte & 0x80) === 0) return value;
  }
}

function readByte(reader: Reader): number {
  const byte = reader.delta[reader.at];
  if (byte === undefined) throw new ProtocolError('the pack has a delta that breaks off');
  reader.at += 1;
  return byte;
}
