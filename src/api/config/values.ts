import { parse } from 'yaml';
import type { z } from 'zod';
import { parseDuration } from '../../duration.ts';
import { messageOf } from '../../errors.ts';

/** A key of a ConfigMap that is not as it should be. The program goes on with the default. */
export interface ConfigProblem {
  kind: 'invalid-value' | 'unknown-key';
  key: string;
  /** Missing for unknown keys: under a misspelt one it may be a secret. */
  value?: string;
  /** Names the key and value, says what is used instead and what would be right. */
  message: string;
}

/** Go's strconv.ParseBool: upstream accepts all of these spellings. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/**
 * Reads typed values out of a ConfigMap's data: a missing key gives the default, a bad value gives a problem
 * and the default, or the strictest value of what guards something.
 */
export class ConfigValues {
  readonly problems: ConfigProblem[] = [];
  private readonly data: Readonly<Record<string, string>>;
  private readonly known = new Set<string>(['_example']);

  constructor(data: Readonly<Record<string, string>> | undefined) {
    this.data = data ?? {};
  }

  text(key: string, fallback: string): string {
    this.known.add(key);
    return this.data[key] ?? fallback;
  }

  /** A text of a certain form. */
  matching(key: string, fallback: string, form: RegExp, want: string): string {
    return this.read(key, fallback, want, (text) => (form.test(text.trim()) ? text.trim() : undefined));
  }

  /** @param strictest what a bad value counts as, where the key guards something */
  boolean(key: string, fallback: boolean, strictest = fallback): boolean {
    const otherwise = this.otherwise(key, fallback, strictest);
    return this.read(key, otherwise, 'use "true" or "false"', (text) => BOOLEANS.get(text.trim()));
  }

  /**
   * One of the listed words; upper and lower case are the same, as upstream has it.
   * @param strictest what a bad value counts as, where the key guards something
   */
  oneOf<T extends string>(key: string, fallback: T, words: readonly T[], strictest = fallback): T {
    const want = `use ${words.map((word) => JSON.stringify(word)).join(', ')}`;
    const otherwise = this.otherwise(key, fallback, strictest);
    return this.read(key, otherwise, want, (text) => words.find((word) => word === text.trim().toLowerCase()));
  }

  /** Where events are sent: an http or https URL; '' for nowhere. A password in it is told nobody. */
  sink(key: string): string {
    if (/^[^/]*\/\/[^/]*@/.test(this.data[key] ?? '')) {
      const message = `key ${key} has a URL with a user name or password in it, which is not valid; nothing is sent until you correct it`;
      this.problems.push({ kind: 'invalid-value', key, message });
      this.known.add(key);
      return '';
    }
    return this.read(key, '', 'use a URL that begins with http:// or https://', (text) => {
      if (text.trim() === '') return '';
      const { protocol } = new URL(text.trim());
      return protocol === 'http:' || protocol === 'https:' ? text.trim() : undefined;
    });
  }

  /** A whole number of at least `least` and below `limit`. */
  integer(key: string, fallback: number, least = 0, limit = Number.MAX_SAFE_INTEGER): number {
    const upTo = limit === Number.MAX_SAFE_INTEGER ? '' : ` below ${limit}`;
    return this.read(key, fallback, `use a whole number of at least ${least}${upTo}`, (text) => {
      const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
      return value >= least && value < limit ? value : undefined;
    });
  }

  /** A number from 0 to 1. */
  fraction(key: string, fallback: number): number {
    return this.read(key, fallback, 'use a number from 0 to 1', (text) => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      return value >= 0 && value <= 1 ? value : undefined;
    });
  }

  /** A number of at least `least`. */
  number(key: string, fallback: number, least: number): number {
    return this.read(key, fallback, `use a number of at least ${least}`, (text) => {
      const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
      return value >= least ? value : undefined;
    });
  }

  /** Milliseconds of a Go duration such as "1m30s". */
  durationMs(key: string, fallback: number): number {
    return this.read(key, fallback, 'use a duration such as "30s" or "1m30s"', (text) => {
      const ms = parseDuration(text.trim());
      return ms >= 0 ? ms : undefined;
    });
  }

  /** Known words with commas between them; spaces and empty items do not matter. */
  list<T extends string>(key: string, words: readonly T[], want: string, fallback: T[] = []): T[] {
    return this.read<T[]>(key, fallback, want, (text) => {
      const items = text
        .split(',')
        .map((item) => item.trim().toLowerCase())
        .filter((item) => item !== '');
      const found = items.flatMap((item) => words.filter((word) => word === item));
      return found.length === items.length ? found : undefined;
    });
  }

  /** YAML that must fit a schema; undefined when the key is missing or empty. Unknown fields are left out. */
  yaml<T>(key: string, schema: z.ZodType<T>): T | undefined {
    return this.read<T | undefined>(key, undefined, 'correct the YAML', (text) => {
      const value: unknown = parse(text);
      if (value === null || value === undefined) return undefined;
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      throw new Error(
        result.error.issues.map((issue) => `${issue.path.join('.') || 'the whole value'}: ${issue.message}`).join('; '),
      );
    });
  }

  /** To be called last: every key that nobody asked for is reported, since it may be a slip of the pen. */
  reportUnknownKeys(isKnown: (key: string) => boolean = () => false): ConfigProblem[] {
    for (const key of Object.keys(this.data)) {
      if (this.known.has(key) || isKnown(key)) continue;
      this.problems.push({
        kind: 'unknown-key',
        key,
        message: `key ${key} is not known and has no effect; remove it or correct its spelling`,
      });
    }
    return this.problems;
  }

  /** A missing key gives the default; a bad value must not open what the key closes. */
  private otherwise<T>(key: string, fallback: T, strictest: T): T {
    return this.data[key] === undefined ? fallback : strictest;
  }

  /** Where nothing is the default, a value may also come to nothing. */
  private read<T>(key: string, fallback: T, want: string, parseValue: (text: string) => T | undefined): T {
    this.known.add(key);
    const text = this.data[key];
    if (text === undefined) return fallback;
    let reason = '';
    try {
      const value = parseValue(text);
      if (value !== undefined || fallback === undefined) return value as T;
    } catch (error) {
      reason = ` (${messageOf(error)})`;
    }
    const shown = fallback === undefined ? 'nothing' : JSON.stringify(fallback);
    this.problems.push({
      kind: 'invalid-value',
      key,
      value: text,
      message: `key ${key} has the value ${JSON.stringify(text)}, which is not valid${reason}; ${shown} is used until you correct it: ${want}`,
    });
    return fallback;
  }
}
