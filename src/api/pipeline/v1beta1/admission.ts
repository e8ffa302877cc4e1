import { pathFromStored, type Shape } from '../../conversion.ts';
import { disallowedField, type FieldError } from '../../fielderror.ts';
import type { Conversion, KindVersion } from '../../kind.ts';
import type { ApiObject } from '../../meta.ts';
import type { ValidationContext } from '../v1/validation.ts';
import { isJsonObject, type JsonObject } from '../../../json-object.ts';

type AnyObject = ApiObject<object, object | undefined>;

/** What admission of v1beta1 needs of a kind. */
interface BetaKind<T extends AnyObject, Stored extends AnyObject> {
  shape: Shape;
  convert: Conversion<T, Stored>;
  /** The row of v1: its defaults and rules are those of v1beta1 too. */
  stored: Pick<KindVersion<Stored, Stored>, 'setDefaults' | 'validate' | 'validateUpdate'>;
}

type BetaAdmission<T extends AnyObject, Stored extends AnyObject> = Required<
  Pick<KindVersion<T, Stored>, 'setDefaults' | 'validate'>
> &
  Pick<KindVersion<T, Stored>, 'validateUpdate'>;

/**
 * Defaults and rules of v1beta1: those of v1, on the object as v1 has it, with the paths of v1beta1. What only v1beta1
 * could say is refused, as upstream does.
 */
export function betaAdmission<T extends AnyObject, Stored extends AnyObject>({
  shape,
  convert,
  stored,
}: BetaKind<T, Stored>): BetaAdmission<T, Stored> {
  const { validateUpdate } = stored;
  const inBeta = (errors: FieldError[]) => errors.map((error) => ({ ...error, path: betaPath(shape, error.path) }));
  return {
    setDefaults: (object, context) => {
      const before = convert.toStored(object);
      const after = stored.setDefaults?.(before, context) ?? before;
      return changed(object, convert.fromStored(before), timeoutOf(object, convert.fromStored(after))) as T;
    },
    validate: (object, context) => [
      ...inBeta(stored.validate?.(convert.toStored(object), context) ?? []),
      ...validateRemoved(object, context),
    ],
    // Whether there is one says whether the kind is a run: other kinds are judged anew at each update.
    ...(validateUpdate
      ? {
          validateUpdate: (before: T, after: T, context: ValidationContext) =>
            inBeta(validateUpdate(convert.toStored(before), convert.toStored(after), context)),
        }
      : {}),
  };
}

/** taskRunTemplate is no field of v1beta1: what is in it stands in the spec itself. */
function betaPath(shape: Shape, path: string): string {
  return pathFromStored(shape, path.replace(/^spec\.taskRunTemplate\.?/, 'spec.')).replace(/\.$/, '');
}

/** A PipelineRun says its time limit in one of two fields: where it has neither, upstream fills in `timeout`. */
function timeoutOf(given: AnyObject, defaulted: AnyObject): AnyObject {
  const before = given.spec as JsonObject;
  const { timeouts, ...spec } = defaulted.spec as JsonObject;
  if (given.kind !== 'PipelineRun' || before['timeouts'] || before['timeout'] || !isJsonObject(timeouts))
    return defaulted;
  return { ...defaulted, spec: { ...spec, timeout: timeouts['pipeline'] } };
}

/**
 * What was given, with the changes from `before` to `after` and no others: spellings that conversion does not give back
 * (a bundle, a timeout) stay as the user wrote them.
 */
function changed(given: unknown, before: unknown, after: unknown): unknown {
  if (Array.isArray(given) && Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return given.map((item, index) => changed(item, before[index], after[index]));
  if (isJsonObject(given) && isJsonObject(before) && isJsonObject(after)) {
    const fields = Object.entries(after).flatMap(([field, value]) => {
      if (!Object.hasOwn(before, field)) return [[field, value]];
      return Object.hasOwn(given, field) ? [[field, changed(given[field], before[field], value)]] : [];
    });
    return { ...given, ...Object.fromEntries(fields) };
  }
  return JSON.stringify(before) === JSON.stringify(after) ? given : after;
}

function validateRemoved(object: AnyObject, { creating = false }: ValidationContext): FieldError[] {
  const spec = object.spec as JsonObject;
  return [
    ...(spec['timeout'] !== undefined && spec['timeouts'] !== undefined
      ? disallowedField('spec.timeout', 'spec.timeouts')
      : []),
    ...removedIn(spec, 'spec', creating),
  ];
}

/** PipelineResources wherever they may stand, and bundles of new objects. */
function removedIn(node: JsonObject, path: string, creating: boolean): FieldError[] {
  const inner = (field: string) => {
    const child = node[field];
    return isJsonObject(child) ? removedIn(child, `${path}.${field}`, creating) : [];
  };
  const ofTasks = ['tasks', 'finally'].flatMap((section) => {
    const tasks = node[section];
    return Array.isArray(tasks)
      ? tasks.flatMap((task: unknown, index) =>
          isJsonObject(task) ? removedIn(task, `${path}.${section}[${index}]`, creating) : [],
        )
      : [];
  });
  const bundled = ['taskRef', 'pipelineRef'].flatMap((field) => {
    const ref = node[field];
    return creating && isJsonObject(ref) && ref['bundle'] ? disallowedField(`${path}.${field}.bundle`) : [];
  });
  return [
    ...(isPresent(node['resources']) ? disallowedField(`${path}.resources`) : []),
    ...bundled,
    ...['taskSpec', 'pipelineSpec'].flatMap(inner),
    ...ofTasks,
  ];
}

function isPresent(resources: unknown): boolean {
  return Array.isArray(resources) ? resources.length > 0 : resources !== undefined && resources !== null;
}
