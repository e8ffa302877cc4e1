/** A folded or foldable part of a log: `::group::` to `::endgroup::`. Lines are counted from 0. */
export interface LogGroup {
  /** The line that begins it, which stays when it is folded. */
  start: number;
  /** The line that ends it; undefined while it goes on. */
  end?: number;
}

export interface LogLine {
  /** RFC 3339 as the kubelet wrote it; missing where the source has none. */
  time?: string;
  text: string;
}

export interface LogStoreOptions {
  /** Every line begins with the time at which it was written. */
  isStamped: boolean;
  /** What comes after so many bytes or lines is not kept. */
  mostBytes?: number;
  mostLines?: number;
}

const BLOCK = 1 << 20;
const NEWLINE = 0x0a;
/** Of one line; no screen shows more, and a log may be one line of 100 MB. */
const LONGEST_LINE = 16 * 1024;
/** Longer than any time of the kubelet's. */
const LONGEST_STAMP = 40;
const STAMP = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /;
const MOST_GROUPS = 10_000;
const decoder = new TextDecoder();

/**
 * A log as it came: bytes in blocks and where each line begins. Text is made only of lines that somebody looks at, so
 * that 100 MB of log take little more than that.
 */
export class LogStore {
  readonly #options: Required<LogStoreOptions>;
  readonly #blocks: Uint8Array[] = [];
  #starts = new Uint32Array(1024);
  #bytes = 0;
  #lines = 0;
  #isLineOpen = false;
  #isCut = false;
  readonly #groups: LogGroup[] = [];
  /** Lines that were looked through for groups. */
  #grouped = 0;

  constructor({ isStamped, mostBytes = 256 * 1024 * 1024, mostLines = 1_500_000 }: LogStoreOptions) {
    this.#options = { isStamped, mostBytes, mostLines };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** An unfinished last one counts. */
  get lines(): number {
    return this.#lines;
  }

  /** There was more than is kept. */
  get isCut(): boolean {
    return this.#isCut;
  }

  get groups(): readonly LogGroup[] {
    return this.#groups;
  }

  append(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.length && !this.#isCut) {
      if (!this.#isLineOpen && !this.#beginLine()) return;
      const newline = chunk.indexOf(NEWLINE, from);
      const end = newline < 0 ? chunk.length : newline + 1;
      this.#keep(chunk.subarray(from, end));
      this.#isLineOpen = newline < 0;
      from = end;
    }
    this.#findGroups(this.#isLineOpen ? this.#lines - 1 : this.#lines);
  }

  /** Call when no more comes: the last line may be the end of a group. */
  end(): void {
    this.#findGroups(this.#lines);
  }

  /** A line cut to what can be read, with its time taken off. */
  line(at: number): LogLine {
    const [start, end] = [this.#starts[at] ?? 0, at + 1 < this.#lines ? (this.#starts[at + 1] ?? 0) : this.#bytes];
    const most = LONGEST_LINE + LONGEST_STAMP;
    const whole = decoder.decode(this.#slice(start, Math.min(end, start + most))).replace(/\r?\n$/, '');
    const stamp = this.#options.isStamped ? STAMP.exec(whole)?.[0] : undefined;
    const left = end - start - most;
    const text = `${whole.slice(stamp?.length ?? 0)}${left > 0 ? ` ... and ${left} more bytes` : ''}`;
    return stamp === undefined ? { text } : { time: stamp.trimEnd(), text };
  }

  #beginLine(): boolean {
    if (this.#lines >= this.#options.mostLines) {
      this.#isCut = true;
      return false;
    }
    if (this.#lines === this.#starts.length) {
      const grown = new Uint32Array(this.#starts.length * 2);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[this.#lines] = this.#bytes;
    this.#lines += 1;
    return true;
  }

  #keep(part: Uint8Array): void {
    const room = this.#options.mostBytes - this.#bytes;
    if (part.length > room) this.#isCut = true;
    let rest = part.subarray(0, room);
    while (rest.length > 0) {
      const at = this.#bytes % BLOCK;
      if (at === 0) this.#blocks.push(new Uint8Array(BLOCK));
      const piece = rest.subarray(0, BLOCK - at);
      this.#blocks.at(-1)?.set(piece, at);
      this.#bytes += piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  #slice(start: number, end: number): Uint8Array {
    const out = new Uint8Array(end - start);
    for (let at = start; at < end;) {
      const within = at % BLOCK;
      const piece = this.#blocks[Math.floor(at / BLOCK)]?.subarray(within, Math.min(BLOCK, within + end - at));
      if (piece === undefined || piece.length === 0) break;
      out.set(piece, at - start);
      at += piece.length;
    }
    return out;
  }

  #findGroups(upTo: number): void {
    for (; this.#grouped < upTo; this.#grouped += 1) {
      if (!this.#mayBeGroup(this.#grouped)) continue;
      const { text } = this.line(this.#grouped);
      const open = this.#groups.at(-1)?.end === undefined ? this.#groups.at(-1) : undefined;
      if (/^::endgroup::/.test(text)) {
        if (open !== undefined) open.end = this.#grouped;
      } else if (/^::group::/.test(text) && this.#groups.length < MOST_GROUPS) {
        // They do not nest: the next one ends the one before.
        if (open !== undefined) open.end = this.#grouped - 1;
        this.#groups.push({ start: this.#grouped });
      }
    }
  }

  /** Without making text of it: most lines are not. */
  #mayBeGroup(at: number): boolean {
    const start = this.#starts[at] ?? 0;
    const from = this.#options.isStamped ? this.#indexAfterStamp(start) : start;
    return this.#byteAt(from) === 0x3a && this.#byteAt(from + 1) === 0x3a;
  }

  #indexAfterStamp(start: number): number {
    for (let at = start; at < start + LONGEST_STAMP; at += 1) if (this.#byteAt(at) === 0x20) return at + 1;
    return start;
  }

  #byteAt(at: number): number | undefined {
    return at < this.#bytes ? this.#blocks[Math.floor(at / BLOCK)]?.[at % BLOCK] : undefined;
  }
}
