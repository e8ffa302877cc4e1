import { compileResults, JsonPathError } from '../../jsonpath/template.ts';
import { ResolveError } from './error.ts';
import { canonicalName, type Header } from './header.ts';

/** What expressions of bindings look at. */
export interface EventContext {
  body: unknown;
  header: Header;
  extensions: Readonly<Record<string, unknown>>;
  eventId: string;
}

export interface BindingParam {
  name: string;
  value: string;
}

/** A param that a TriggerTemplate declares. */
export interface TemplateParam {
  name: string;
  default?: string | undefined;
}

/** A value for a template. What came of an event is not trusted to hold variables. */
export interface Param {
  name: string;
  text: string;
  origin: 'event' | 'default';
}

/** Piece of a binding's value: text that stays, or an expression (without `$(` and `)`) to evaluate. */
type Piece = { kind: 'text'; text: string } | { kind: 'expression'; text: string };

/**
 * The params that a template is filled with: those of the bindings, their `$(...)` replaced by what they find in the
 * event, and the defaults of those that no binding gives. A default also stands in for an expression that finds
 * nothing.
 * @throws ResolveError for a name that is given twice, and for an expression that finds nothing without a default.
 */
export function resolveParams(
  bindings: readonly BindingParam[],
  declared: readonly TemplateParam[],
  event: EventContext,
): Param[] {
  const names = bindings.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ResolveError(`duplicate param name: ${twice}`);
  const defaults = new Map(
    declared.flatMap((param) => (param.default === undefined ? [] : [[param.name, param.default] as const])),
  );
  const view = viewOf(event);
  const given = bindings.map(({ name, value }): Param => {
    const text = piecesOf(value)
      .map((piece) =>
        piece.kind === 'text' ? literal(piece.text) : found(piece.text, { name, value, view, defaults }),
      )
      .join('');
    return { name, text, origin: 'event' };
  });
  const others = [...defaults].filter(([name]) => !names.includes(name));
  return [...given, ...others.map(([name, text]): Param => ({ name, text: literal(text), origin: 'default' }))];
}

/** As expressions see an event: all values of one header joined, names canonical. */
function viewOf({ body, header, extensions, eventId }: EventContext) {
  const joined = Object.fromEntries(Object.entries(header).map(([name, values]) => [name, values.join(',')]));
  return { body, header: joined, extensions, context: { eventID: eventId } };
}

interface Finding {
  name: string;
  value: string;
  view: unknown;
  defaults: ReadonlyMap<string, string>;
}

function found(expression: string, { name, value, view, defaults }: Finding): string {
  try {
    return evaluate(expression, view);
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    const fallback = defaults.get(name);
    if (fallback !== undefined) return literal(fallback);
    throw new ResolveError(`failed to replace JSONPath value for param ${name}: ${value}: ${error.message}`);
  }
}

function evaluate(expression: string, view: unknown): string {
  if (expression === '') return '';
  const results = compileResults(withBraces(expression), { allowMissingKeys: false })(view).flat();
  return results.length > 1 ? JSON.stringify(results) : results.map(textOf).join('');
}

/** kubectl's relaxed form: braces and the first dot may be left out. */
function withBraces(expression: string): string {
  const inner = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(expression);
  if (!inner)
    throw new JsonPathError(
      "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
    );
  const path = inner[1] ?? inner[2] ?? '';
  // Header names have no case.
  return `{.${path.replace(/^(header\.)([\w-]+)/, (_whole, first: string, name: string) => first + canonicalName(name))}}`;
}

/** Texts as they are, anything else as JSON. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A text that its author wrote to stand inside a JSON string, as it did in upstream's templates: `\n` is a line's end.
 * A text that cannot stand there (a quote, a line's end) is taken as it is.
 */
function literal(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

/** Parts a value at its `$(...)`; of `$($(a))` only the inner one is an expression. */
export function piecesOf(value: string): Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  for (let at = 0; at < value.length;) {
    const end = value.startsWith('$(', at) ? closingAt(value, at + 2) : undefined;
    if (end === undefined) {
      text += value.charAt(at++);
      continue;
    }
    if (text !== '') pieces.push({ kind: 'text', text });
    text = '';
    pieces.push({ kind: 'expression', text: value.slice(at + 2, end) });
    at = end + 1;
  }
  return text === '' ? pieces : [...pieces, { kind: 'text', text }];
}

/** Where the parenthesis closes that opened before `from`; undefined when another `$(` comes first, or none does. */
function closingAt(value: string, from: number): number | undefined {
  let open = 0;
  for (let at = from; at < value.length; at++) {
    if (value.startsWith('$(', at)) return undefined;
    if (value[at] === '(') open++;
    if (value[at] === ')' && open-- === 0) return at;
  }
  return undefined;
}
