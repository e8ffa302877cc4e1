import { isUtf8 } from 'node:buffer';
import { parseJson, type Parsed } from '../resolve/body.ts';

/**
 * An event's body as text. It is read as JSON, and written as a JSON string, once at most, however many triggers and
 * interceptors it goes to: whoever gets what was read must not change it.
 */
export class EventBody {
  readonly text: string;
  readonly #bytes: Buffer | undefined;
  #parsed: Parsed | undefined;
  #quoted: string | undefined;

  constructor(text: string, bytes?: Buffer) {
    this.text = text;
    this.#bytes = bytes;
  }

  static of(bytes: Buffer): EventBody {
    // What is no UTF-8 has no text with the same bytes.
    return new EventBody(bytes.toString(), isUtf8(bytes) ? bytes : undefined);
  }

  get parsed(): Parsed {
    return (this.#parsed ??= parseJson(this.text));
  }

  /** What the JSON is; undefined for a body that is none. */
  get json(): unknown {
    return this.parsed.ok ? this.parsed.value : undefined;
  }

  get isObject(): boolean {
    return typeof this.json === 'object' && this.json !== null && !Array.isArray(this.json);
  }

  /** The text as a JSON string, in its quotes. */
  get quoted(): string {
    return (this.#quoted ??= JSON.stringify(this.text));
  }

  /** Whether the text in UTF-8 is these very bytes: signatures are over them. */
  isExactly(bytes: Buffer): boolean {
    return this.#bytes === bytes || Buffer.from(this.text).equals(bytes);
  }
}
