import type { ParamValue } from '../../api/pipeline/v1/params.ts';

/**
 * Values by name, under what stands before the name: `params`, `inputs.params`, `tasks.build.results`, `workspaces`.
 */
type Families = ReadonlyMap<string, ReadonlyMap<string, ParamValue>>;

interface Layer {
  /** Texts by their whole name: `context.taskRun.name`. */
  texts: ReadonlyMap<string, string>;
  families: Families;
  /** Params of the layers before this one that it hides. */
  hidden: ReadonlySet<string>;
}

interface Found {
  name: string;
  value: ParamValue;
}

const none: Layer = { texts: new Map(), families: new Map(), hidden: new Set() };
const hiding = 'params';

/** A prefix has at most three words, `tasks.build.results`. */
const mostPrefixes = 4;
/** How many dots of `params.a.b.c` are tried as the one between the name of an object and its key. */
const mostDots = 8;
/** How many answers are kept, for texts that ask the same again and again. */
const mostRemembered = 1_000;

/**
 * What `$(…)` stands for. A value is kept once and found under all its spellings: `params.x`, `params['x']`,
 * `params["x"]`, with `[*]` or `[0]` behind a list, `[*]` or `.key` behind an object. Of several layers a later one
 * wins, for each element and key by itself.
 */
export class Replacements {
  readonly #layers: readonly Layer[];
  readonly #remembered = new Map<string, ParamValue | undefined>();

  private constructor(layers: readonly Layer[]) {
    this.#layers = layers;
  }

  static ofTexts(texts: ReadonlyMap<string, string>): Replacements {
    return new Replacements([{ ...none, texts }]);
  }

  static ofValues(families: Families, texts: ReadonlyMap<string, string> = none.texts): Replacements {
    return new Replacements([{ ...none, families, texts }]);
  }

  static merged(all: readonly Replacements[]): Replacements {
    return new Replacements(all.flatMap((one) => one.#layers));
  }

  /** The same without the params of these names, in all their forms. */
  withoutParams(names: Iterable<string>): Replacements {
    return new Replacements([...this.#layers, { ...none, hidden: new Set(names) }]);
  }

  /** The text of `params.x`, `params.list[0]` or `params.object.key`. */
  text(reference: string): string | undefined {
    const value = this.#find(reference);
    return typeof value === 'string' ? value : undefined;
  }

  /** The list or object of `params.x` or `params.x[*]`. */
  whole(reference: string): string[] | Record<string, string> | undefined {
    const value = this.#find(reference);
    return typeof value === 'string' ? undefined : value;
  }

  /** The value of that very name. */
  value(prefix: string, name: string): ParamValue | undefined {
    for (const { families, hidden } of this.#layers.toReversed()) {
      const value = families.get(prefix)?.get(name);
      if (value !== undefined) return value;
      if (prefix === hiding && hidden.has(name)) return undefined;
    }
    return undefined;
  }

  #find(reference: string): ParamValue | undefined {
    const known = this.#remembered.get(reference);
    if (known !== undefined || this.#remembered.has(reference)) return known;
    const value = this.#look(reference);
    if (this.#remembered.size < mostRemembered) this.#remembered.set(reference, value);
    return value;
  }

  #look(reference: string): ParamValue | undefined {
    const ends = prefixEnds(reference);
    const hidden = new Set<string>();
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const layer = this.#layers[index] ?? none;
      const text = layer.texts.get(reference);
      if (text !== undefined) return text;
      for (const end of ends) {
        const prefix = reference.slice(0, end);
        const found = findIn(layer.families.get(prefix), reference, end);
        if (found !== undefined && !(prefix === hiding && hidden.has(found.name))) return found.value;
      }
      for (const name of layer.hidden) hidden.add(name);
    }
    return undefined;
  }
}

/** Where the prefix of a reference may end: before its first dots and brackets. */
function prefixEnds(reference: string): number[] {
  const ends: number[] = [];
  for (let at = 0; at < reference.length && ends.length < mostPrefixes; at++) {
    const char = reference[at];
    if (char === '.' || char === '[') ends.push(at);
    if (char === '[') break;
  }
  return ends;
}

function findIn(
  values: ReadonlyMap<string, ParamValue> | undefined,
  reference: string,
  end: number,
): Found | undefined {
  if (values === undefined) return undefined;
  return reference[end] === '.' ? findDotted(values, reference.slice(end + 1)) : findQuoted(values, reference, end);
}

/** `['name']` or `["name"]`, and what is behind it. */
function findQuoted(values: ReadonlyMap<string, ParamValue>, reference: string, end: number): Found | undefined {
  const mark = reference[end + 1];
  if (mark !== "'" && mark !== '"') return undefined;
  const close = reference.indexOf(`${mark}]`, end + 2);
  if (close < 0) return undefined;
  const name = reference.slice(end + 2, close);
  return part(name, values.get(name), reference.slice(close + 2));
}

/** `name`, `name[0]`, `name[*]`, or `object.key`; names may have dots. */
function findDotted(values: ReadonlyMap<string, ParamValue>, text: string): Found | undefined {
  const open = text.endsWith(']') ? text.lastIndexOf('[') : -1;
  const found =
    part(text, values.get(text), '') ??
    (open < 0 ? undefined : part(text.slice(0, open), values.get(text.slice(0, open)), text.slice(open)));
  return found ?? findKey(values, text);
}

/** `object.key` where both may have dots: the last one is tried first, then the first few. */
function findKey(values: ReadonlyMap<string, ParamValue>, text: string): Found | undefined {
  const at = (dot: number) => part(text.slice(0, dot), values.get(text.slice(0, dot)), text.slice(dot));
  const last = text.lastIndexOf('.');
  let key = last < 0 ? undefined : at(last);
  let dot = text.indexOf('.');
  for (let tried = 0; key === undefined && dot >= 0 && tried < mostDots; tried++) {
    key = at(dot);
    dot = text.indexOf('.', dot + 1);
  }
  return key;
}

/** A value, or the part of it that the rest of a reference names. */
function part(name: string, value: ParamValue | undefined, rest: string): Found | undefined {
  if (value === undefined) return undefined;
  if (rest === '') return { name, value };
  if (typeof value === 'string') return undefined;
  if (rest === '[*]') return { name, value };
  if (Array.isArray(value)) {
    const element = elementOf(value, rest);
    return element === undefined ? undefined : { name, value: element };
  }
  const key = rest.slice(1);
  return rest.startsWith('.') && Object.hasOwn(value, key) ? { name, value: value[key] ?? '' } : undefined;
}

/** The element that `[7]` names. */
function elementOf(list: readonly string[], index: string): string | undefined {
  return /^\[(?:0|[1-9]\d{0,8})\]$/.test(index) ? list[Number(index.slice(1, -1))] : undefined;
}
