import { JsonPathError, select } from './jsonpath-steps.ts';
import type { Step } from './jsonpath-steps.ts';

type Node =
  { kind: 'text'; text: string } | { kind: 'path'; path: Step[] } | { kind: 'range'; path: Step[]; body: Node[] };

/**
 * kubectl's JSONPath: text outside braces; in braces a path (`.a.b`, `['a.b']`, `[0]`, `[-1]`, `[0:2]`, `['a','b']`,
 * `[*]`, `.*`, `..a`, `[?(@.x=="y")]`), a quoted text with \n and \t, and `range` ... `end`. Several values are parted
 * by a space, or with `asJson` printed as a list. Anything else is refused, never guessed.
 * @throws JsonPathError when the template is none, or, when it is applied, for an index that is not there.
 */
export function compileJsonPath(
  template: string,
  options: { asJson: boolean } = { asJson: false },
): (value: unknown) => string {
  const nodes = readNodes(tokensOf(template), template, false);
  const print = options.asJson ? asJson : asText;
  return (value) => {
    try {
      return render(nodes, value, print);
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
      throw new JsonPathError(
        `error executing jsonpath ${JSON.stringify(template)}: Error executing template: ${error.message}`,
      );
    }
  };
}

function tokensOf(template: string): string[] {
  // Braces inside quotes belong to the quoted text.
  const tokens: string[] = template.match(/\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*\}|[^{}]+|[{}]/g) ?? [];
  if (tokens.includes('{') || tokens.includes('}'))
    throw new JsonPathError(`jsonpath ${JSON.stringify(template)}: unbalanced braces`);
  return tokens;
}

function readNodes(tokens: string[], template: string, inRange: boolean): Node[] {
  const nodes: Node[] = [];
  for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
    if (!token.startsWith('{')) {
      nodes.push({ kind: 'text', text: token });
      continue;
    }
    const inside = token.slice(1, -1).trim();
    if (inside === 'end') {
      if (inRange) return nodes;
      throw new JsonPathError(`jsonpath ${JSON.stringify(template)}: {end} without {range}`);
    }
    if (/^range(?![\w-])/.test(inside))
      nodes.push({ kind: 'range', path: readPath(inside.slice(5).trim()), body: readNodes(tokens, template, true) });
    else if (/^["']/.test(inside)) nodes.push({ kind: 'text', text: unquote(inside) });
    else nodes.push({ kind: 'path', path: readPath(inside) });
  }
  if (inRange) throw new JsonPathError(`jsonpath ${JSON.stringify(template)}: {range} without {end}`);
  return nodes;
}

function unquote(quoted: string): string {
  const end = quoted.slice(0, 1);
  if (quoted.length < 2 || !quoted.endsWith(end))
    throw new JsonPathError(`jsonpath text ${quoted}: unterminated quote`);
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return quoted.slice(1, -1).replace(/\\(.)/g, (_whole, letter: string) => escapes[letter] ?? letter);
}

const SLICE = String.raw`(?<from>-?\d+)?:(?<to>-?\d+)?(?::(?<by>-?\d+)?)?`;
const QUOTED = String.raw`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`;
/** One step of a path, the parts of brackets not read yet. */
const STEP = new RegExp(
  String.raw`^(?:(?<descent>\.\.)|(?<all>\.\*)|\.(?<field>(?:\\.|[^.[\]\\\s(){}])+)|\[\?\(\s*@(?<path>[^=!<>\s]*)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<value>"[^"]*"|'[^']*'|[^\s)]+)\s*)?\)\]|\[(?<parts>(?:${QUOTED}|[^'"[\]])+)\])`,
);
const PART = new RegExp(String.raw`^\s*(?:(?<every>\*)|(?<index>-?\d+)|${SLICE}|(?<quoted>${QUOTED}))\s*(?:,|$)`);

function readPath(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, '');
  if (rest === '.') return steps;
  while (rest !== '') {
    // ".." stands where the dot would, and a path may begin without one.
    if (!/^[.[]/.test(rest) && (steps.length === 0 || steps.at(-1)?.kind === 'descent')) rest = `.${rest}`;
    const found = STEP.exec(rest);
    const again = found?.groups?.['descent'] !== undefined && steps.at(-1)?.kind === 'descent';
    if (!found || again) throw unsupported(text, rest);
    rest = rest.slice(found[0].length);
    steps.push(stepOf(found.groups ?? {}));
  }
  return steps;
}

function unsupported(path: string, part: string): JsonPathError {
  return new JsonPathError(
    `jsonpath ${JSON.stringify(path)}: ${JSON.stringify(part)} is not supported; use fields, [n], [n:m], ['a','b'], [*], .., [?(@.x=="y")] and range`,
  );
}

function stepOf(groups: Record<string, string | undefined>): Step {
  const { descent, all, field, path, operator, value, parts } = groups;
  if (descent !== undefined) return { kind: 'descent' };
  if (all !== undefined) return { kind: 'all' };
  if (field !== undefined) return { kind: 'field', name: field.replace(/\\(.)/g, '$1') };
  if (path !== undefined)
    return {
      kind: 'filter',
      path: readPath(path),
      operator: operator ?? 'exists',
      value: value === undefined ? undefined : literal(value),
    };
  const read = partsOf(parts ?? '');
  const [only] = read;
  return only && read.length === 1 ? only : { kind: 'union', of: read };
}

/** What stands between brackets, parted by commas. */
function partsOf(text: string): Step[] {
  const steps: Step[] = [];
  for (let rest = text; rest !== '' || steps.length === 0;) {
    const found = PART.exec(rest);
    if (!found) throw unsupported(`[${text}]`, rest);
    rest = rest.slice(found[0].length);
    const { every, index, from, to, by, quoted } = found.groups ?? {};
    if (every !== undefined) steps.push({ kind: 'slice' });
    else if (index !== undefined) steps.push({ kind: 'index', index: Number(index) });
    else if (quoted !== undefined) steps.push({ kind: 'field', name: unquote(quoted) });
    else steps.push({ kind: 'slice', from: number(from), to: number(to), by: number(by) });
  }
  return steps;
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function literal(value: string): unknown {
  if (/^["']/.test(value)) return unquote(value);
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw new JsonPathError(`jsonpath value ${value}: quote texts`);
  }
}

function render(nodes: Node[], value: unknown, print: (values: unknown[]) => string): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case 'text':
          return print([node.text]);
        case 'path':
          return print(select(node.path, value));
        case 'range':
          return select(node.path, value)
            .map((item) => render(node.body, item, print))
            .join('');
      }
    })
    .join('');
}

function asText(values: unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
}

function asJson(values: unknown[]): string {
  return `${JSON.stringify(values, undefined, 4)}\n`;
}
