/**
 * What the cluster cannot store is never built. etcd takes requests of 1.5 MiB; the rest is for the key, managed fields
 * and what others add. Bytes of JSON.
 */
export const largestObject = 1_500_000;

/** Deeper JSON is nobody's spec; the API server takes 10,000 levels, which recursion does not. */
const deepest = 200;

/**
 * Something that would be larger than the cluster can store. The message names it, its size, the limit and the way out.
 */
export class TooLargeError extends Error {
  override name = 'TooLargeError';
}

/** @param size what it comes to at least, in bytes */
export function tooLarge(what: string, size: number, wayOut: string, limit = largestObject): TooLargeError {
  return new TooLargeError(
    `${what} would come to ${size} bytes or more, but ${limit} are the most that the cluster can store; ${wayOut}`,
  );
}

/**
 * How much may still be built in one plan. Text is counted by its characters, of which none takes less than a byte:
 * what is refused here could not be stored, what passes may still be refused when its bytes are counted.
 */
export class Budget {
  readonly #what: string;
  readonly #wayOut: string;
  readonly #limit: number;
  #spent = 0;

  constructor(what: string, wayOut: string, limit = largestObject) {
    this.#what = what;
    this.#wayOut = wayOut;
    this.#limit = limit;
  }

  get spent(): number {
    return this.#spent;
  }

  /**
   * To be asked before something is built. @throws TooLargeError when it is too much, together with what was built
   * before
   */
  spend(bytes: number): void {
    if (bytes > 0) this.#spent += bytes;
    if (this.#spent > this.#limit) throw tooLarge(this.#what, this.#spent, this.#wayOut, this.#limit);
  }
}

// Everything that JSON writes as one byte.
const PLAIN = /^[\u0020\u0021\u0023-\u005b\u005d-\u007e]*$/;

function textSize(text: string): number {
  return PLAIN.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text), 'utf8');
}

function scalarSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return textSize(value);
    case 'number':
    case 'boolean':
      return String(value).length;
    default:
      return 4;
  }
}

/**
 * Bytes of a value's JSON, without making it; counting stops once `limit` is passed. Fields that are undefined are left
 * out, as JSON does.
 */
export function jsonSize(value: unknown, limit = Number.POSITIVE_INFINITY): number {
  let size = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && size <= limit) {
    const next = open.pop();
    size += typeof next === 'object' && next !== null ? frameSize(next, open) : scalarSize(next);
  }
  return size;
}

/** Brackets, names and commas of a list or an object; what they hold is added to `open`. */
function frameSize(holder: object, open: unknown[]): number {
  if (Array.isArray(holder)) {
    for (const item of holder) open.push(item);
    return 2 + Math.max(0, holder.length - 1);
  }
  let size = 2;
  let fields = 0;
  for (const [key, item] of Object.entries(holder)) {
    if (item === undefined) continue;
    size += textSize(key) + (fields++ === 0 ? 1 : 2);
    open.push(item);
  }
  return size;
}

/** @throws TooLargeError when a value is larger than one object may be. */
export function checkSize(value: unknown, what: string, wayOut: string): void {
  const size = jsonSize(value, largestObject);
  if (size > largestObject) throw tooLarge(what, size, wayOut);
}

/** Why an object cannot be stored with the status it would have; undefined when it can. */
export function statusTooLarge(
  kind: string,
  object: { metadata: unknown; spec: unknown; status: unknown },
): string | undefined {
  const size = jsonSize(object, largestObject);
  if (size <= largestObject) return undefined;
  const { message } = tooLarge(`${kind} with its status`, size, 'give it smaller params and results, or split it');
  return message;
}

/** So many values (texts, numbers, lists, objects) and variables no spec has that a person or a tool means to run. */
const mostValues = 60_000;
const mostVariables = 30_000;

/**
 * What makes a spec too much work to plan with, though it is small enough to be stored: its depth, or how much is in
 * it. Undefined for all others. To be asked before anything looks into a spec.
 */
export function excess(spec: unknown): string | undefined {
  let level: unknown[] = [spec];
  let values = 0;
  let variables = 0;
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length;
    if (depth > deepest) return `is nested more than ${deepest} levels deep; make it flatter`;
    if (values > mostValues) return `holds more than ${mostValues} values; split it`;
    const below: unknown[] = [];
    for (const item of level) {
      if (typeof item === 'string') variables += countVariables(item);
      else if (typeof item === 'object' && item !== null) for (const inner of Object.values(item)) below.push(inner);
    }
    if (variables > mostVariables) return `names more than ${mostVariables} variables; split it`;
    level = below;
  }
  return undefined;
}

function countVariables(text: string): number {
  let count = 0;
  for (let at = text.indexOf('$('); at >= 0 && count <= mostVariables; at = text.indexOf('$(', at + 2)) count += 1;
  return count;
}
