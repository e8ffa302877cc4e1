import type { CelInput } from '@bufbuild/cel';
import { LRUCache } from 'lru-cache';
import { compile, type CelProblem, type Program, type Result } from '../../../cel/compile.ts';
import { parseJson, type Parsed } from '../../resolve/body.ts';
import { celParams, readParams, type SecretRef } from '../params.ts';
import { codes, goOn, namespaceOf, stop, type InterceptorRequest, type InterceptorResponse } from '../wire.ts';
import type { SecretAnswer, World } from '../world.ts';
import { namespaces, triggerFunctions, variables } from './functions.ts';
import { OverlayError, jsonOf, withOverlay } from './overlay.ts';

/** Secrets that one expression may name. */
const mostSecrets = 8;

/** Lets an event go on when the filter is true, and adds what the overlays make of it. */
export function cel(request: InterceptorRequest, world: Pick<World, 'secret'>): Promise<InterceptorResponse> {
  return celOn(request, parseJson(request.body || '{}'), world);
}

/** The same on a body that was read already; it is not changed. */
export async function celOn(
  request: Omit<InterceptorRequest, 'body'>,
  read: Parsed,
  world: Pick<World, 'secret'>,
): Promise<InterceptorResponse> {
  const params = readParams(celParams, request);
  if (!params.ok) return stop('invalidArgument', params.problem);
  const namespace = namespaceOf(request);
  if (namespace === undefined) return stop('invalidArgument', 'no request context passed');
  const body = objectOf(read);
  if (!body.ok)
    return stop(
      'invalidArgument',
      `error making the evaluation context: failed to parse the body as JSON: ${body.problem}`,
    );
  const values = valuesOf(request, body.value);
  const evaluate = (expression: string) =>
    evaluateWithSecrets(expression, values, (ref) => world.secret(namespace, ref));
  const { filter = '', overlays = [] } = params.value;
  return (await judged(filter, evaluate)) ?? overlaid(overlays, evaluate);
}

/** An event without a body is an empty object. */
function objectOf(parsed: Parsed): Parsed {
  if (!parsed.ok || parsed.value === null) return parsed.ok ? { ok: true, value: {} } : parsed;
  const isObject = typeof parsed.value === 'object' && !Array.isArray(parsed.value);
  return isObject ? parsed : { ok: false, problem: 'it is no JSON object' };
}

function valuesOf({ header = {}, extensions = {}, context }: Omit<InterceptorRequest, 'body'>, body: unknown) {
  return {
    body: body as CelInput,
    header: header as CelInput,
    extensions: extensions as CelInput,
    requestURL: context?.event_url ?? '',
  };
}

type Evaluate = (expression: string) => Promise<Awaited<ReturnType<typeof evaluateWithSecrets>>>;

async function judged(filter: string, evaluate: Evaluate): Promise<InterceptorResponse | undefined> {
  if (filter === '') return undefined;
  const result = await evaluate(filter);
  if (!result.ok)
    return stop('invalidArgument', `error evaluating cel expression: ${problemText(filter, result.problem)}`);
  return result.value === true ? undefined : stop('failedPrecondition', `expression ${filter} did not return true`);
}

async function overlaid(
  overlays: readonly { key: string; expression: string }[],
  evaluate: Evaluate,
): Promise<InterceptorResponse> {
  let extensions: Record<string, unknown> | undefined;
  for (const { key, expression } of overlays) {
    const result = await evaluate(expression);
    if (!result.ok)
      return stop('invalidArgument', `error evaluating cel expression: ${problemText(expression, result.problem)}`);
    try {
      extensions = withOverlay(extensions ?? {}, key, jsonOf(result.value));
    } catch (error) {
      if (!(error instanceof OverlayError)) throw error;
      return { continue: false, status: { code: codes.internal, message: error.message } };
    }
  }
  return goOn(extensions);
}

/** With cel-go's stages in the text, as upstream's messages have them. */
function problemText(expression: string, { kind, message }: CelProblem): string {
  const quoted = JSON.stringify(expression);
  switch (kind) {
    case 'syntax':
      return `failed to parse expression ${quoted}: ${message}`;
    case 'undeclared':
      return `expression ${quoted} check failed: ${message}`;
    case 'limit':
    case 'evaluation':
    case 'type':
      return `expression ${quoted} failed to evaluate: ${message.replace(/^field not found: /, 'no such key: ')}`;
  }
}

const noSecrets: Pick<World, 'secret'> = {
  secret: () => Promise.resolve({ ok: false, problem: 'no secret is read here' }),
};

/**
 * The decision where it needs no Secret, for whoever may read none; undefined where an expression may ask for one. A
 * function's name is written out in CEL: what does not hold it does not call it.
 */
export function celWithoutSecrets(
  request: Omit<InterceptorRequest, 'body'>,
  read: Parsed,
): Promise<InterceptorResponse> | undefined {
  const mayAsk = JSON.stringify(request.interceptor_params ?? {}).includes('compareSecret');
  return mayAsk ? undefined : celOn(request, read, noSecrets);
}

type SecretOf = (ref: SecretRef) => SecretAnswer;

/** What compareSecret asks: it is set for each evaluation, which nothing interrupts. */
let secretOf: SecretOf | undefined;
const functions = triggerFunctions((ref) => secretOf?.(ref) ?? { ok: false, problem: 'it is not read yet' });
/** Expressions that events are judged by again and again. */
const programs = new LRUCache<string, Result<Program>>({ max: 256 });

function evaluateWith(
  expression: string,
  values: Readonly<Record<string, CelInput>>,
  answers: SecretOf,
): ReturnType<Program['evaluate']> {
  const program = programs.get(expression) ?? compile(expression, { variables, functions, namespaces });
  programs.set(expression, program);
  if (!program.ok) return program;
  secretOf = answers;
  try {
    return program.value.evaluate(values);
  } finally {
    secretOf = undefined;
  }
}

/** An expression meets the secrets it needs only while it is evaluated: they are read, and it is evaluated again. */
async function evaluateWithSecrets(
  expression: string,
  values: Readonly<Record<string, CelInput>>,
  read: (ref: SecretRef) => Promise<SecretAnswer>,
): Promise<ReturnType<Program['evaluate']>> {
  const known = new Map<string, SecretAnswer>();
  for (;;) {
    const wanted: SecretRef[] = [];
    const result = evaluateWith(expression, values, (ref) => {
      const answer = known.get(`${ref.secretName}/${ref.secretKey}`);
      if (answer === undefined) wanted.push(ref);
      return answer ?? { ok: false, problem: 'it is not read yet' };
    });
    if (result.ok || wanted.length === 0) return result;
    if (known.size + wanted.length > mostSecrets)
      return { ok: false, problem: { kind: 'limit', message: `it names more than ${mostSecrets} secrets` } };
    for (const ref of wanted) known.set(`${ref.secretName}/${ref.secretKey}`, await read(ref));
  }
}
