import { celEnv, isCelError, parse, plan, type CelFunc, type CelInput, type CelValue } from '@bufbuild/cel';
import { Budget, meterLoops } from './budget.ts';
import { joinNamespaces, undeclaredName } from './syntax.ts';

/** Longer expressions are not parsed: a `when` with its variables replaced has some hundred characters. */
const longestExpression = 16_384;

/** Where in an expression: both count from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface CelProblem {
  /**
   * - syntax: it is no CEL
   * - undeclared: a name that stands for nothing here
   * - limit: too long, nested too deeply, or too much work
   * - evaluation: it has no value (a division by zero, no such key, operands of the wrong type)
   * - type: its value is not of the type that was asked for
   */
  kind: 'syntax' | 'undeclared' | 'limit' | 'evaluation' | 'type';
  /** What is wrong, for users; names the position where it is known. */
  message: string;
  position?: Position;
}

export type Result<T> = { ok: true; value: T } | { ok: false; problem: CelProblem };

/** An expression that can be evaluated any number of times. */
export interface Program {
  /** The value, with the variables that compile was told of; they are plain JSON values or CEL's own. */
  evaluate: (variables?: Readonly<Record<string, CelInput>>) => Result<CelValue>;
  /** The same where only true and false make sense. */
  evaluateBoolean: (variables?: Readonly<Record<string, CelInput>>) => Result<boolean>;
}

export interface CompileOptions {
  /** Names of variables. */
  variables?: readonly string[];
  /** Functions beyond the standard ones. The same array each time spares making an environment of them each time. */
  functions?: readonly CelFunc[];
  /** First parts of names of functions, such as `base64` of `base64.decode`. */
  namespaces?: readonly string[];
}

/**
 * Parses an expression. Whatever the text, parsing and evaluation end soon: size, operations and the size of values are
 * bounded (budget.ts). Types are not checked beforehand, as cel-go does (hack/decisions/0020-cel.md).
 */
export function compile(expression: string, options: CompileOptions = {}): Result<Program> {
  if (expression.length > longestExpression)
    return problem('limit', `it has ${expression.length} characters, more than ${longestExpression}`);
  const { budget, env } = environmentOf(options.functions ?? noFunctions);
  const compiled = caught(expression, (): Result<ReturnType<typeof plan>> => {
    // The parser wants a line's end after a comment.
    const parsed = parse(`${expression}\n`);
    joinNamespaces(parsed.expr, new Set(options.namespaces ?? []));
    const unknown = undeclaredName(parsed.expr, new Set(options.variables ?? []));
    if (unknown !== undefined) {
      const at = positionOf(expression, parsed.sourceInfo?.positions[String(unknown.id)]);
      return problem('undeclared', `undeclared reference to '${unknown.name}'`, at);
    }
    meterLoops(parsed.expr);
    return { ok: true, value: plan(env, parsed.expr) };
  });
  if (!compiled.ok) return compiled;
  const evaluate: Program['evaluate'] = (variables = {}) => {
    budget.reset();
    return caught(expression, () =>
      resultOf(compiled.value(Object.assign(Object.create(null), variables) as typeof variables)),
    );
  };
  const evaluateBoolean: Program['evaluateBoolean'] = (variables) => {
    const result = evaluate(variables);
    if (!result.ok) return result;
    return typeof result.value === 'boolean'
      ? { ok: true, value: result.value }
      : problem('type', 'it is not evaluated to a boolean');
  };
  return { ok: true, value: { evaluate, evaluateBoolean } };
}

interface Environment {
  env: ReturnType<typeof celEnv>;
  /** Of the evaluation that goes on: nothing interrupts one, so that all programs may share it. */
  budget: Budget;
}

const noFunctions: readonly CelFunc[] = [];
const environments = new WeakMap<readonly CelFunc[], Environment>();

function environmentOf(functions: readonly CelFunc[]): Environment {
  const known = environments.get(functions);
  if (known) return known;
  const budget = new Budget();
  const made = { budget, env: celEnv({ funcs: budget.functions(functions) }) };
  environments.set(functions, made);
  return made;
}

function resultOf(value: ReturnType<ReturnType<typeof plan>>): Result<CelValue> {
  if (!isCelError(value)) return { ok: true, value };
  if (value.cause instanceof RangeError) return problem('limit', 'it is nested too deeply');
  return problem(value.message.startsWith('it ') ? 'limit' : 'evaluation', value.message);
}

function problem(kind: CelProblem['kind'], message: string, position?: Position): { ok: false; problem: CelProblem } {
  const where = position === undefined ? '' : `${position.line}:${position.column}: `;
  return { ok: false, problem: { kind, message: where + message, ...(position ? { position } : {}) } };
}

function positionOf(text: string, offset: number | undefined): Position | undefined {
  if (offset === undefined) return undefined;
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** Makes results of what the library throws. */
function caught<T>(expression: string, work: () => Result<T>): Result<T> {
  try {
    return work();
  } catch (error) {
    // The parser and the evaluator call themselves for what is nested.
    if (error instanceof RangeError) return problem('limit', 'it is nested too deeply');
    const { message = String(error), rawMessage, location } = error as ParserError;
    if (location === undefined) return problem('evaluation', message);
    const at = positionOf(expression, Math.min(location.start.offset, expression.length));
    return problem('syntax', `syntax error: ${rawMessage ?? message}`, at);
  }
}

/** The parser's own error class is not exported. */
interface ParserError {
  message?: string;
  rawMessage?: string;
  location?: { start: { offset: number } };
}
