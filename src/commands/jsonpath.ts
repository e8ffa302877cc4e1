/**
 * The part of kubectl's JSONPath that scripts use: text outside braces; in braces a path (`.a.b`, `['a.b']`, `[0]`,
 * `[-1]`, `[*]`, `.*`, `[?(@.x=="y")]`), a quoted text with \n and \t, and `range` ... `end`. Several values are parted by
 * a space; a missing field gives nothing. Anything else is refused, never guessed.
 */
export class JsonPathError extends Error {
  override name = 'JsonPathError';
}

type Step = { kind: 'field'; name: string } | { kind: 'index'; index: number } | { kind: 'all' } | { kind: 'filter'; path: Step[]; operator: string; value: unknown };
type Node = { kind: 'text'; text: string } | { kind: 'path'; path: Step[] } | { kind: 'range'; path: Step[]; body: Node[] };

/** @throws JsonPathError when the template is not of the part described above. */
export function compileJsonPath(template: string): (value: unknown) => string {
  const tokens = tokensOf(template);
  const nodes = readNodes(tokens, template, false);
  return (value) => render(nodes, value);
}

function tokensOf(template: string): string[] {
  // Braces inside quotes belong to the quoted text.
  const tokens: string[] = template.match(/\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*\}|[^{}]+|[{}]/g) ?? [];
  if (tokens.includes('{') || tokens.includes('}')) throw new JsonPathError(`jsonpath ${JSON.stringify(template)}: unbalanced braces`);
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
    if (/^range\s/.test(inside)) nodes.push({ kind: 'range', path: readPath(inside.slice(5).trim()), body: readNodes(tokens, template, true) });
    else if (/^["']/.test(inside)) nodes.push({ kind: 'text', text: unquote(inside) });
    else nodes.push({ kind: 'path', path: readPath(inside) });
  }
  if (inRange) throw new JsonPathError(`jsonpath ${JSON.stringify(template)}: {range} without {end}`);
  return nodes;
}

function unquote(quoted: string): string {
  const end = quoted.slice(0, 1);
  if (quoted.length < 2 || !quoted.endsWith(end)) throw new JsonPathError(`jsonpath text ${quoted}: unterminated quote`);
  const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
  return quoted.slice(1, -1).replace(/\\(.)/g, (_whole, letter: string) => escapes[letter] ?? letter);
}

const STEP = /^(?:\.\*|\.(?<field>(?:\\.|[^.[\]\\\s(){}])+)|\[\*\]|\[(?<index>-?\d+)\]|\[(?<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]|\[\?\(\s*@(?<path>[^=!<>\s]*)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<value>"[^"]*"|'[^']*'|[^\s)]+)\s*)?\)\])/;

function readPath(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^[$@]/, '');
  if (rest === '.') return steps;
  if (rest !== '' && !/^[.[]/.test(rest)) rest = `.${rest}`;
  while (rest !== '') {
    const found = STEP.exec(rest);
    if (!found) throw new JsonPathError(`jsonpath ${JSON.stringify(text)}: ${JSON.stringify(rest)} is not supported; use fields, [n], [*], [?(@.x=="y")] and range`);
    rest = rest.slice(found[0].length);
    steps.push(stepOf(found.groups ?? {}));
  }
  return steps;
}

function stepOf(groups: Record<string, string | undefined>): Step {
  const { field, index, quoted, path, operator, value } = groups;
  if (field !== undefined) return { kind: 'field', name: field.replace(/\\(.)/g, '$1') };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  if (quoted !== undefined) return { kind: 'field', name: unquote(quoted) };
  if (path !== undefined) return { kind: 'filter', path: readPath(path), operator: operator ?? 'exists', value: value === undefined ? undefined : literal(value) };
  return { kind: 'all' };
}

function literal(value: string): unknown {
  if (/^["']/.test(value)) return unquote(value);
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw new JsonPathError(`jsonpath value ${value}: quote texts`);
  }
}

function render(nodes: Node[], value: unknown): string {
  return nodes.map((node) => {
    switch (node.kind) {
      case 'text': return node.text;
      case 'path': return select(node.path, value).map(printed).join(' ');
      case 'range': return select(node.path, value).map((item) => render(node.body, item)).join('');
    }
  }).join('');
}

function select(path: Step[], value: unknown): unknown[] {
  return path.reduce<unknown[]>((found, step) => found.flatMap((item) => take(step, item)), [value]);
}

function take(step: Step, value: unknown): unknown[] {
  switch (step.kind) {
    case 'field': return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': return Array.isArray(value) && value.at(step.index) !== undefined ? [value.at(step.index)] : [];
    case 'all': return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case 'filter': return (Array.isArray(value) ? value : []).filter((item) => holds(step, item));
  }
}

function holds(step: Extract<Step, { kind: 'filter' }>, item: unknown): boolean {
  return select(step.path, item).some((value) => compare(step.operator, value, step.value));
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === 'exists') return true;
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const order = left < (right as typeof left) ? -1 : left > (right as typeof left) ? 1 : 0;
  return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[operator] ?? false;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function printed(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
