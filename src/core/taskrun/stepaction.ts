import { each, formatFieldErrors } from '../../api/fielderror.ts';
import { defaultTaskSpec } from '../../api/pipeline/v1/defaults.ts';
import { toParamValue, type Param, type ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import { validateVolumeMount } from '../../api/pipeline/v1/task.validate.ts';
import type { StepActionSpec } from '../../api/pipeline/v1beta1/stepaction.ts';
import { validateStepAction } from '../../api/pipeline/v1beta1/stepaction.validate.ts';
import { stepResultReference } from '../../api/variables/reference.ts';
import { isolatedReference, referencesIn } from '../../api/variables/scan.ts';
import { excess, jsonSize, type Budget } from '../budget.ts';
import { checkArrayIndexes, checkEnums, goList, missingObjectKeys, goMapOfLists } from '../params/check.ts';
import { effectiveParams, valuesUnder } from '../params/replacements.ts';
import { typeOfSpec, typeOfValue } from '../params/value.ts';
import { isWindowsScript } from '../pod/scripts.ts';
import { quote } from '../podstatus/quote.ts';
import type { Definition } from '../reference/resolved.ts';
import type { Settings } from '../settings.ts';
import { mergeReplacements, replaceDeep, replaceParamValue, Replacements } from '../substitution/replacements.ts';

/** What a step takes from its StepAction, with the params of the StepAction in place. */
export type ActionPart = Pick<
  Step,
  'image' | 'securityContext' | 'command' | 'args' | 'script' | 'workingDir' | 'env' | 'volumeMounts' | 'results'
>;

/** A step that refers to a StepAction, and what of the run it is read with. */
export interface StepInRun {
  step: Step;
  /** Values of the Task's params. */
  taskParams: Replacements;
  settings: Settings;
  budget: Budget;
}

/**
 * The part of a step that its StepAction says, or why it cannot be had, in upstream's words. What a value holds is not
 * replaced again: a run's param cannot name another param of the Task.
 * @throws TooLargeError
 */
export function inlineAction(
  { step, taskParams, settings, budget }: StepInRun,
  { name, spec: written }: Definition<'StepAction'>,
): ActionPart | { problem: string } {
  // Before it is looked into: a large one that many steps refer to is looked into once for each.
  budget.spend(jsonSize(written));
  const fault = faultOf(name, written, settings);
  if (fault !== undefined) return { problem: fault };
  const { params: declared = [], description: _, ...container } = defaultTaskSpec(written);
  const given = givenParams(step.params ?? [], declared, taskParams, budget);
  const problem = paramProblem(declared, given, container, settings);
  if (problem !== undefined) return { problem };
  const { results, ...texts } = container;
  const bound = replaceDeep(texts, replacementsFor(declared, given, texts), budget);
  const mounts = each('volumeMounts', bound.volumeMounts, validateVolumeMount);
  if (mounts.length > 0) return { problem: `StepAction ${quote(name)} is invalid: ${formatFieldErrors(mounts)}` };
  return { ...bound, ...(results ? { results } : {}) };
}

/** What admission would have refused: without the webhook, or with an older one, it gets here. */
function faultOf(name: string, spec: StepActionSpec, settings: Settings): string | undefined {
  const excessive = excess(spec);
  if (excessive) return `spec of StepAction ${quote(name)} ${excessive}`;
  const errors = validateStepAction({ metadata: { name }, spec: defaultTaskSpec(spec) }, settings);
  if (errors.length > 0) return `StepAction ${quote(name)} is invalid: ${formatFieldErrors(errors)}`;
  return isWindowsScript(spec.script)
    ? `StepAction ${quote(name)}: script: a Windows script (#!win) is not supported yet; use a Linux image and interpreter`
    : undefined;
}

/**
 * The step's params with the run's values. A text for an object that has a default leaves the default alone, as
 * upstream (its example of StepAction params has one).
 */
function givenParams(
  params: readonly Param[],
  declared: readonly ParamSpec[],
  taskParams: Replacements,
  budget: Budget,
): Param[] {
  const objects = new Set(
    declared.filter((spec) => typeOfSpec(spec) === 'object' && spec.default !== undefined).map(({ name }) => name),
  );
  return params
    .map(({ name, value }) => ({ name, value: replaceParamValue(value, taskParams, budget) }))
    .filter(({ name, value }) => !(objects.has(name) && typeof value === 'string' && stepResult(value) === undefined));
}

type Container = Omit<StepActionSpec, 'params' | 'description'>;

function paramProblem(
  declared: readonly ParamSpec[],
  given: readonly Param[],
  container: Container,
  settings: Settings,
): string | undefined {
  return (
    nameProblem(declared, given) ??
    defaultProblem(declared, given) ??
    typeProblem(declared, given) ??
    valueProblem(declared, given) ??
    (settings.flags.enableParamEnum ? checkEnums(declared, given)?.message : undefined) ??
    checkArrayIndexes(declared, given, container)?.message
  );
}

function valueProblem(declared: readonly ParamSpec[], given: readonly Param[]): string | undefined {
  const keys = missingObjectKeys(declared, given);
  if (Object.keys(keys).length > 0)
    return `missing keys for these params which are required in ParamSpec's properties ${goMapOfLists(keys)}`;
  const growing = effectiveParams(declared, given).tooLarge;
  return growing.length > 0 ? `the defaults of these params grow too large: ${goList(growing)}` : undefined;
}

function nameProblem(declared: readonly ParamSpec[], given: readonly Param[]): string | undefined {
  const known = new Set(declared.map(({ name }) => name));
  const extra = given.map(({ name }) => name).filter((name) => !known.has(name));
  if (extra.length > 0) return `extra params passed by Step to StepAction: ${goList(extra)}`;
  const provided = new Set(given.map(({ name }) => name));
  const missing = declared.filter((spec) => spec.default === undefined && !provided.has(spec.name));
  return missing.length > 0 ? `non-existent params in Step: ${goList(missing.map(({ name }) => name))}` : undefined;
}

/** A default that names a param which is not there, or itself by way of others. */
function defaultProblem(declared: readonly ParamSpec[], given: readonly Param[]): string | undefined {
  const { values } = effectiveParams(declared, given);
  const provided = new Map(given.map(({ name, value }) => [name, toParamValue(value)]));
  const [r, ofStep] = [valuesUnder(values, ['params']), valuesUnder(provided, ['params'])];
  for (const spec of declared) {
    if (spec.default === undefined || provided.has(spec.name)) continue;
    const left = new Set(referencesIn(values.get(spec.name)));
    for (const reference of referencesIn(spec.default)) {
      if (!/^params[.[]/.test(reference)) continue;
      if (!isKnown(r, reference))
        return `parameter ${quote(spec.name)} references non-existent parameter ${quote(reference.replace(/^params\./, ''))}`;
      if (left.has(reference) && !isKnown(ofStep, reference))
        return `parameter ${quote(spec.name)} is part of a cycle of defaults: give one of its params a value`;
    }
  }
  return undefined;
}

function isKnown(r: Replacements, reference: string): boolean {
  return r.text(reference) !== undefined || r.whole(reference) !== undefined;
}

function typeProblem(declared: readonly ParamSpec[], given: readonly Param[]): string | undefined {
  const types = new Map(declared.map((spec) => [spec.name, typeOfSpec(spec)]));
  const wrong = given.find(({ name, value }) => {
    const read = toParamValue(value);
    return typeOfValue(read) !== types.get(name) && stepResult(read) === undefined;
  });
  return wrong === undefined
    ? undefined
    : `invalid parameter substitution: params.${wrong.name}. Please check the types of the default value and the passed value`;
}

/** `steps.x.results.y` of a value that is nothing but the result of an earlier step. */
function stepResult(value: unknown): string | undefined {
  const found = stepResultReference(isolatedReference(value) ?? '');
  return found && `steps.${found.step}.results.${found.result}`;
}

function replacementsFor(
  declared: readonly ParamSpec[],
  given: readonly Param[],
  texts: Omit<Container, 'results'>,
): Replacements {
  return mergeReplacements(
    valuesUnder(effectiveParams(declared, given).values, ['params']),
    Replacements.ofTexts(resultTexts(declared, given, texts)),
  );
}

/**
 * A list or object that is the result of an earlier step is only known in the pod: a part of the param becomes the same
 * part of the result.
 */
function resultTexts(
  declared: readonly ParamSpec[],
  given: readonly Param[],
  texts: Omit<Container, 'results'>,
): Map<string, string> {
  const structured = new Set(declared.filter((spec) => typeOfSpec(spec) !== 'string').map(({ name }) => name));
  const results = new Map(
    given.flatMap(({ name, value }) => {
      const result = structured.has(name) ? stepResult(value) : undefined;
      return result === undefined ? [] : [[name, result] as const];
    }),
  );
  if (results.size === 0) return new Map();
  return new Map(
    referencesIn(texts).flatMap((reference) => {
      const [, plain, , quoted, part = ''] = partOfParam.exec(reference) ?? [];
      const result = results.get(plain ?? quoted ?? '');
      return result === undefined ? [] : [[reference, `$(${result}${part})`] as const];
    }),
  );
}

const partOfParam = /^params(?:\.([^.[\]]+)|\[(['"])(.+?)\2\])(\[\*\]|\[\d+\]|\.[^[\]]+)?$/;
