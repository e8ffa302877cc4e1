import type { Param, ParamSpec } from './params.ts';
import { typeOfParamValue } from './param-type.ts';
import { declaredParam, type DeclaredParam, type DeclaredParams } from './params.validate.ts';

/** One scope of a run: what it declares and what it gives. */
export interface ParamScope {
  specs?: readonly ParamSpec[] | undefined;
  params?: readonly Param[] | undefined;
}

/**
 * The params that an embedded spec sees, from the outermost scope to the innermost (docs/pipelineruns.md, "Propagated
 * Parameters"). An inner declaration decides the type; keys of objects add up, since values of several scopes are
 * merged.
 */
export function propagatedParams(...scopes: readonly ParamScope[]): DeclaredParams {
  return within(() => [], ...scopes);
}

/** The same inside of what was made before: only the params of the inner scopes are looked at. */
export function within(outer: DeclaredParams, ...scopes: readonly ParamScope[]): DeclaredParams {
  const inner = new Map<string, DeclaredParam>();
  for (const { params, specs } of scopes) {
    for (const spec of [...(params ?? []).map(specOf), ...(specs ?? [])]) {
      const before = inner.get(spec.name) ?? outer(spec.name)[0];
      // The value of a task's param is often one reference, whose type nobody knows yet: the outer declaration says
      // more.
      const isReference =
        before !== undefined &&
        spec.type === 'string' &&
        typeof spec.default === 'string' &&
        spec.default.includes('$(');
      inner.set(spec.name, isReference ? before : joined(before, declaredParam(spec)));
    }
  }
  return (name) => {
    const found = inner.get(name);
    return found === undefined ? outer(name) : [found];
  };
}

function joined(outer: DeclaredParam | undefined, inner: DeclaredParam): DeclaredParam {
  if (outer?.type !== 'object' || inner.type !== 'object') return inner;
  return { type: 'object', hasKey: (key) => inner.hasKey(key) || outer.hasKey(key) };
}

function specOf({ name, value }: Param): ParamSpec {
  const type = typeOfParamValue(value);
  const properties =
    type === 'object'
      ? Object.fromEntries(Object.keys(value as object).map((key) => [key, { type: 'string' as const }]))
      : undefined;
  return { name, type, default: value, ...(properties ? { properties } : {}) };
}
