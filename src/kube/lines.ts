const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Works on bytes, so a character split over two chunks stays whole, and gives a line
 * only when its end has come: what is left when the stream breaks off is no event.
 */
export class LineSplitter {
  #parts: Uint8Array[] = [];

  /** The lines that this chunk completes, without their newline; empty lines are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    // A copy: the socket may reuse the chunk's memory.
    if (start < chunk.length) this.#parts.push(Uint8Array.prototype.slice.call(chunk, start));
    return lines;
  }

  /** Bytes of an unfinished line. */
  get pending(): number {
    return this.#parts.reduce((sum, part) => sum + part.length, 0);
  }

  #complete(tail: Uint8Array): string {
    if (this.#parts.length === 0)
      return Buffer.from(tail.buffer, tail.byteOffset, tail.length).toString('utf8').trimEnd();
    const whole = Buffer.concat([...this.#parts, tail])
      .toString('utf8')
      .trimEnd();
    this.#parts = [];
    return whole;
  }
}
