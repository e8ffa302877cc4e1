import type { Param, ParamSpec } from './params.ts';
import { typeOfParamSpec, typeOfParamValue } from './params.validate.ts';

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
export function propagatedSpecs(...scopes: readonly ParamScope[]): ParamSpec[] {
  const merged = new Map<string, ParamSpec>();
  for (const { params, specs } of scopes) {
    for (const spec of [...(params ?? []).map(specOf), ...(specs ?? [])]) {
      const outer = merged.get(spec.name);
      const properties =
        outer && typeOfParamSpec(outer) === 'object' && typeOfParamSpec(spec) === 'object'
          ? { ...outer.properties, ...spec.properties }
          : spec.properties;
      // The value of a task's param is often one reference, whose type nobody knows yet: the outer declaration says
      // more.
      const isReference =
        outer !== undefined &&
        spec.type === 'string' &&
        typeof spec.default === 'string' &&
        spec.default.includes('$(');
      merged.set(spec.name, isReference ? outer : { ...spec, ...(properties ? { properties } : {}) });
    }
  }
  return [...merged.values()];
}

function specOf({ name, value }: Param): ParamSpec {
  const type = typeOfParamValue(value);
  const properties =
    type === 'object'
      ? Object.fromEntries(Object.keys(value as object).map((key) => [key, { type: 'string' as const }]))
      : undefined;
  return { name, type, default: value, ...(properties ? { properties } : {}) };
}
