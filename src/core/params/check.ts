import { toParamValue, type Param, type ParamSpec, type ParamType } from '../../api/pipeline/v1/params.ts';
import { references, referencesIn } from '../../api/variables/scan.ts';
import { effectiveParams } from './replacements.ts';
import { typeOfSpec, typeOfValue } from './value.ts';

/**
 * Why given params do not fit their declarations. `message` is upstream's text for TaskRuns; other runs word it from
 * `names`.
 */
export interface ParamProblem {
  kind: 'missing' | 'type' | 'keys' | 'index' | 'enum' | 'size';
  /** The params, or for `index` the references, at fault. */
  names: string[];
  /** For `keys`: what each object lacks. */
  missingKeys?: Record<string, string[]>;
  message: string;
}

/**
 * The first problem of given params against their declarations, in upstream's order: missing, wrong type, missing
 * object keys; then values without bound.
 */
export function checkParams(specs: readonly ParamSpec[], given: readonly Param[]): ParamProblem | undefined {
  const missing = missingParams(specs, given);
  if (missing.length > 0) {
    return {
      kind: 'missing',
      names: missing,
      message: `missing values for these params which have no default values: ${goList(missing)}`,
    };
  }
  const wrong = wrongTypes(specs, given);
  if (wrong.length > 0) {
    return { kind: 'type', names: wrong, message: `param types don't match the user-specified type: ${goList(wrong)}` };
  }
  const missingKeys = missingObjectKeys(specs, given);
  const names = Object.keys(missingKeys);
  if (names.length > 0) {
    return {
      kind: 'keys',
      names,
      missingKeys,
      message: `missing keys for these params which are required in ParamSpec's properties ${goMapOfLists(missingKeys)}`,
    };
  }
  return oversized(specs, given);
}

function oversized(specs: readonly ParamSpec[], given: readonly Param[]): ParamProblem | undefined {
  const { tooLarge: large } = effectiveParams(specs, given);
  if (large.length === 0) return undefined;
  return {
    kind: 'size',
    names: [...large],
    message: `the defaults of these params grow beyond 1 MB when the params that they name are put in: ${goList(large)}; make them smaller`,
  };
}

/** Declared params without default that nobody gives. */
export function missingParams(specs: readonly ParamSpec[], given: readonly Param[]): string[] {
  const names = new Set(given.map((param) => param.name));
  return specs.filter((spec) => spec.default === undefined && !names.has(spec.name)).map((spec) => spec.name);
}

function wrongTypes(specs: readonly ParamSpec[], given: readonly Param[]): string[] {
  const types = new Map<string, ParamType>(specs.map((spec) => [spec.name, typeOfSpec(spec)]));
  return given
    .filter((param) => {
      const wanted = types.get(param.name);
      const value = toParamValue(param.value);
      // `$(tasks.a.results.r[*])` is written as a string and becomes an array or object later (upstream #4879).
      const becomesTyped = typeof value === 'string' && wanted !== 'string' && references(value).some(Boolean);
      return wanted !== undefined && !becomesTyped && typeOfValue(value) !== wanted;
    })
    .map((param) => param.name);
}

/** For each object param, the declared keys that neither the given value nor the default has. */
export function missingObjectKeys(specs: readonly ParamSpec[], given: readonly Param[]): Record<string, string[]> {
  const { values } = effectiveParams(specs, given);
  // A param may have any name, `__proto__` too.
  const missing = Object.create(null) as Record<string, string[]>;
  for (const spec of specs) {
    const value = values.get(spec.name);
    if (typeOfSpec(spec) !== 'object' || value === undefined || typeOfValue(value) !== 'object') continue;
    const lacking = Object.keys(spec.properties ?? {}).filter((key) => !Object.hasOwn(value as object, key));
    if (lacking.length > 0) missing[spec.name] = lacking.sort();
  }
  return missing;
}

/** References such as `$(params.a[5])` anywhere in `tree` that point past the end of an array param. */
export function checkArrayIndexes(
  specs: readonly ParamSpec[],
  given: readonly Param[],
  tree: unknown,
): ParamProblem | undefined {
  const { values } = effectiveParams(specs, given);
  const beyond = new Set<string>();
  for (const reference of referencesIn(tree)) {
    const match = /^params(?:\.([^[\]]+)|\[(['"])(.+?)\2\])\[(\d+)\]$/.exec(reference);
    const value = values.get(match?.[1] ?? match?.[3] ?? '');
    if (match && Array.isArray(value) && Number(match[4]) >= value.length) beyond.add(`$(${reference})`);
  }
  if (beyond.size === 0) return undefined;
  const names = [...beyond].sort();
  return { kind: 'index', names, message: `non-existent param references:${goList(names)}` };
}

/** A given string that is not in the `enum` of its declaration (flag enable-param-enum). */
export function checkEnums(specs: readonly ParamSpec[], given: readonly Param[]): ParamProblem | undefined {
  const enums = new Map(
    specs.filter((spec) => spec.enum !== undefined && spec.enum.length > 0).map((spec) => [spec.name, spec.enum ?? []]),
  );
  for (const param of given) {
    const value = toParamValue(param.value);
    if (typeof value !== 'string' || value === '' || (enums.get(param.name)?.includes(value) ?? true)) continue;
    return {
      kind: 'enum',
      names: [param.name],
      message: `param \`${param.name}\` value: ${value} is not in the enum list`,
    };
  }
  return undefined;
}

/** A list as Go's %v prints it. */
export function goList(items: readonly string[]): string {
  return `[${items.join(' ')}]`;
}

/** A map of lists as Go's %v prints it: sorted by key. */
export function goMapOfLists(map: Record<string, readonly string[]>): string {
  return `map[${Object.keys(map)
    .sort()
    .map((key) => `${key}:${goList(map[key] ?? [])}`)
    .join(' ')}]`;
}
