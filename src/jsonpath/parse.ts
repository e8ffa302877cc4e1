/** What is wrong with a JSONPath template, or with the values it meets. */
export class JsonPathError extends Error {
  override name = 'JsonPathError';
}

/** A path is taken step by step; each step makes any number of values of the values it gets. */
export type Step =
  | { kind: 'field'; name: string }
  /** A quoted text, a number, true or false: whatever it gets. */
  | { kind: 'literal'; value: string | number | boolean }
  /** [n], [from:to:by] and [*] */
  | { kind: 'slice'; from?: number; to?: number; by?: number }
  /** .* */
  | { kind: 'all' }
  /** .. */
  | { kind: 'descent' }
  /** [a,b] */
  | { kind: 'union'; of: Step[][] }
  /** [?(...)]; operator 'exists' has no right side */
  | { kind: 'filter'; left: Step[]; operator: Operator; right: Step[] };

export type Operator = '<' | '>' | '==' | '!=' | '<=' | '>=' | 'exists';
const operators: readonly string[] = ['<', '>', '==', '!=', '<=', '>='];

/** A template: text, and in braces paths, `range` with what is repeated, and quoted text. */
export type Part =
  { kind: 'text'; text: string } | { kind: 'path'; path: Step[] } | { kind: 'range'; path: Step[]; body: Part[] };

/** Where a field's name or a word ends. */
const terminators = new Set([...' \t\r\n.,[]$@{}']);

/**
 * Reads a template of kubectl's JSONPath: text outside braces; in braces a path (`.a.b`, `['a.b']`, which is the same,
 * `.a\.b` for a key with a dot, `[0]`, `[-1]`, `[0:2]`, `['a','b']`, `[*]`, `.*`, `..a`, `[?(@.x=="y")]`), a quoted
 * text with \n and \t, and `range` ... `end`. Anything else is refused, with client-go's words where it has some.
 * @throws JsonPathError
 */
export function parseTemplate(template: string): Part[] {
  const reader = new Reader(template);
  const parts = readParts(reader, false);
  return parts;
}

function readParts(reader: Reader, inRange: boolean): Part[] {
  const parts: Part[] = [];
  for (;;) {
    const text = reader.until('{');
    if (text !== '') parts.push({ kind: 'text', text });
    if (reader.isAtEnd) {
      if (inRange) throw new JsonPathError('unclosed range: {end} is missing');
      return parts;
    }
    reader.skip(1);
    const word = reader.word();
    if (word === 'end') {
      readPath(reader, []);
      if (!inRange) throw new JsonPathError('not in range, nothing to end');
      return parts;
    }
    const path = readPath(reader, word === undefined || word === 'range' ? [] : [wordStep(word)]);
    parts.push(word === 'range' ? { kind: 'range', path, body: readParts(reader, true) } : { kind: 'path', path });
  }
}

/** true and false are values; no other word stands for anything. */
function wordStep(word: string): Step {
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
  throw new JsonPathError(`unrecognized identifier ${word}`);
}

/** What one pair of braces holds, alone: the sides of filters and the parts of unions are paths too. */
function pathOf(text: string): Step[] {
  const reader = new Reader(`${text}}`);
  const path = readPath(reader, []);
  if (!reader.isAtEnd) throw new JsonPathError(`unexpected ${JSON.stringify(reader.rest)} in ${JSON.stringify(text)}`);
  return path;
}

/** Reads up to and with the closing brace. */
function readPath(reader: Reader, steps: Step[]): Step[] {
  for (;;) {
    if (reader.takes('}')) return steps;
    if (reader.takes('[?(')) steps.push(readFilter(reader));
    else if (reader.takes('..')) steps.push(...readDescent(reader, steps));
    else if (!reader.takes(' ') && !reader.takes('@') && !reader.takes('$')) steps.push(...readStep(reader));
  }
}

function readDescent(reader: Reader, before: readonly Step[]): Step[] {
  if (before.at(-1)?.kind === 'descent') throw new JsonPathError('invalid multiple recursive descent');
  return [{ kind: 'descent' }, ...(/^[\p{L}\p{N}_]/u.test(reader.rest) ? [readField(reader)] : [])];
}

function readStep(reader: Reader): Step[] {
  const next = reader.peek;
  if (next === '' || next === '\n' || next === '\r') throw new JsonPathError('unclosed action');
  if (next === '[') return readBrackets(reader);
  if (next === '"' || next === "'") return [{ kind: 'literal', value: readQuoted(reader) }];
  if (next === '.') {
    reader.skip(1);
    return [readField(reader)];
  }
  if (/[-+\d]/.test(next)) return [readNumber(reader)];
  const word = reader.word();
  if (word !== undefined) return [wordStep(word)];
  throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(next)}`);
}

function readField(reader: Reader): Step {
  let name = '';
  while (!reader.isAtEnd && !terminators.has(reader.peek)) {
    if (reader.peek === '\\') reader.skip(1);
    name += reader.take(1);
  }
  return name === '*' ? { kind: 'all' } : { kind: 'field', name };
}

function readNumber(reader: Reader): Step {
  const text = reader.match(/^[-+]?[\d.]*/);
  const value = Number(text);
  if (Number.isNaN(value) || !/\d/.test(text)) throw new JsonPathError(`cannot parse number ${text}`);
  return { kind: 'literal', value };
}

/** What stands between brackets: an index, a slice, quoted names, or several of these. */
function readBrackets(reader: Reader): Step[] {
  const whole = reader.match(/^\[[^\]\n]*\]/);
  if (whole === '') throw new JsonPathError('unterminated array');
  const text = whole.slice(1, -1);
  const several = text.split(',');
  if (several.length > 1) return [{ kind: 'union', of: several.map((one) => pathOf(`[${one.trim()}]`)) }];
  const quoted = /^'([^']*)'$/.exec(text);
  if (quoted) return pathOf(`.${quoted[1]}`);
  return [sliceOf(text === '*' ? ':' : text)];
}

function sliceOf(text: string): Step {
  const found = /^(-?\d+)$|^(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?$/.exec(text);
  if (!found) throw new JsonPathError(`invalid array index ${text}`);
  const [index, from, to, by] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  // From the end, -1 + 1 is the length, not the beginning.
  if (index !== undefined) return { kind: 'slice', from: index, ...(index === -1 ? {} : { to: index + 1 }) };
  return {
    kind: 'slice',
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(by === undefined ? {} : { by }),
  };
}

/** From after `[?(`. Parentheses inside one quoted text belong to it. */
function readFilter(reader: Reader): Step {
  const whole = reader.match(/^(?:[^"')\n]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')*\)\]/);
  if (whole === '') throw new JsonPathError('unterminated filter');
  const text = whole.slice(0, -2);
  const sides = /^([^!<>=]+)([!<>=~]+)(.+?)$/s.exec(text);
  if (!sides) return { kind: 'filter', left: pathOf(text), operator: 'exists', right: [] };
  const [, left = '', operator = '', right = ''] = sides;
  if (!operators.includes(operator)) throw new JsonPathError(`unrecognized filter operator ${operator}`);
  return { kind: 'filter', left: pathOf(left), operator: operator as Operator, right: pathOf(right) };
}

function readQuoted(reader: Reader): string {
  const whole = reader.match(/^(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/);
  if (whole === '') throw new JsonPathError('unterminated quoted string');
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return whole.slice(1, -1).replace(/\\(.)/g, (_whole, letter: string) => escapes[letter] ?? letter);
}

/** A text and how far it is read. */
class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  get rest(): string {
    return this.#text.slice(this.#position);
  }

  get peek(): string {
    return this.#text.charAt(this.#position);
  }

  skip(count: number): void {
    this.#position += count;
  }

  take(count: number): string {
    this.#position += count;
    return this.#text.slice(this.#position - count, this.#position);
  }

  takes(text: string): boolean {
    const isNext = this.#text.startsWith(text, this.#position);
    if (isNext) this.#position += text.length;
    return isNext;
  }

  until(end: string): string {
    const at = this.#text.indexOf(end, this.#position);
    return this.take((at < 0 ? this.#text.length : at) - this.#position);
  }

  /** What the expression, which begins with ^, finds here; empty when it does not. */
  match(expression: RegExp): string {
    return this.take(expression.exec(this.rest)?.[0].length ?? 0);
  }

  /** A word such as `range`, if one is next. Spaces before it are none of it. */
  word(): string | undefined {
    const spaces = /^ *(?=[\p{L}_])/u.exec(this.rest);
    if (!spaces) return undefined;
    this.skip(spaces[0].length);
    return this.match(/^[^ \t\r\n.,[\]$@{}]*/);
  }
}
