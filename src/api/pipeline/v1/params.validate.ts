import {
  each,
  fieldError,
  invalidKeyName,
  invalidValue,
  missingField,
  multipleOneOf,
  via,
  type FieldError,
} from '../../fielderror.ts';
import { typeOfParamSpec, typeOfParamValue } from './param-type.ts';
import type { Param, ParamSpec, ParamType, PipelineRef, StepActionRef, TaskRef, WhenExpression } from './params.ts';
import { qualifiedNameProblems, quote, repeated, requireApiFields, type ValidationContext } from './validation.ts';

const TYPES: readonly string[] = ['string', 'array', 'object'];
const PLAIN_NAME = /^[_a-zA-Z][_a-zA-Z0-9.-]*$/;
const OBJECT_NAME = /^[_a-zA-Z][_a-zA-Z0-9-]*$/;

/** What a declaration says of the uses of its param. */
export interface DeclaredParam {
  type: ParamType;
  /** Of an object. */
  hasKey: (key: string) => boolean;
}

/** The declarations of a name; none when it is not declared. */
export type DeclaredParams = (name: string) => readonly DeclaredParam[];

export function declaredParam(spec: ParamSpec): DeclaredParam {
  const properties = spec.properties ?? {};
  return { type: typeOfParamSpec(spec), hasKey: (key) => Object.hasOwn(properties, key) };
}

/** Every declaration of one scope, by name. */
export function declaredParams(specs: readonly ParamSpec[]): DeclaredParams {
  const byName = new Map<string, DeclaredParam[]>();
  for (const spec of specs)
    byName
      .set(spec.name, byName.get(spec.name) ?? [])
      .get(spec.name)
      ?.push(declaredParam(spec));
  return (name) => byName.get(name) ?? [];
}

/** Declarations of params: names, types, defaults, properties, enums. Paths start with `params`. */
export function validateParamSpecs(specs: readonly ParamSpec[] | undefined, context: ValidationContext): FieldError[] {
  const all = specs ?? [];
  return [
    ...all.flatMap((spec) => via('params', validateParamType(spec))),
    ...repeated(all, (spec) => spec.name).flatMap(({ name }) =>
      fieldError('parameter appears more than once', `params[${name}]`),
    ),
    ...all.flatMap((spec) => via(`params[${spec.name}]`, validateEnum(spec, context))),
    ...validateNameFormats(all),
  ];
}

function validateParamType(spec: ParamSpec): FieldError[] {
  const type = typeOfParamSpec(spec);
  if (!TYPES.includes(type)) return invalidValue(type, `${spec.name}.type`);
  if (spec.default !== undefined && typeOfParamValue(spec.default) !== type) {
    const message = `"${type}" type does not match default value's type: "${typeOfParamValue(spec.default)}"`;
    return [...fieldError(message, `${spec.name}.type`), ...fieldError(message, `${spec.name}.default.type`)];
  }
  const invalid = Object.entries(spec.properties ?? {})
    .filter(([, property]) => (property.type || 'string') !== 'string')
    .map(([key]) => key);
  return invalid.length > 0
    ? fieldError(`The value type specified for these keys [${invalid.join(' ')}] is invalid`, `${spec.name}.properties`)
    : [];
}

function validateEnum(spec: ParamSpec, context: ValidationContext): FieldError[] {
  if (spec.enum === undefined || spec.enum.length === 0) return [];
  const errors = context.flags.enableParamEnum
    ? []
    : fieldError('feature flag `enable-param-enum` should be set to true to use Enum');
  if (typeOfParamSpec(spec) !== 'string') errors.push(...fieldError('enum can only be set with string type param'));
  for (const { name } of repeated(spec.enum, (value) => value))
    errors.push(...fieldError(`parameter enum value ${name} appears more than once`));
  if (typeof spec.default === 'string' && spec.default !== '' && !spec.enum.includes(spec.default)) {
    errors.push(...fieldError(`param default value ${spec.default} not in the enum list`));
  }
  return errors;
}

function validateNameFormats(specs: readonly ParamSpec[]): FieldError[] {
  const isObject = (spec: ParamSpec) => typeOfParamSpec(spec) === 'object';
  const plain = specs
    .filter((spec) => !isObject(spec) && !PLAIN_NAME.test(spec.name))
    .map((spec) => spec.name)
    .sort();
  const errors =
    plain.length === 0
      ? []
      : fieldError(
          `The format of following array and string variable names is invalid: [${plain.join(' ')}]`,
          'params',
          'String/Array Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_), and dots (.)\nMust begin with a letter or an underscore (_)',
        );
  const objects = specs.filter(isObject).flatMap((spec) => {
    const keys = Object.keys(spec.properties ?? {}).filter((key) => !OBJECT_NAME.test(key));
    return OBJECT_NAME.test(spec.name) && keys.length === 0 ? [] : [`${spec.name}:[${keys.join(' ')}]`];
  });
  if (objects.length > 0) {
    errors.push(
      ...fieldError(
        `Object param name and key name format is invalid: map[${objects.sort().join(' ')}]`,
        'params',
        'Object Names: \nMust only contain alphanumeric characters, hyphens (-), underscores (_) \nMust begin with a letter or an underscore (_)',
      ),
    );
  }
  return errors;
}

/** An object param must say which keys it has. */
export function validateObjectProperties(specs: readonly ParamSpec[] | undefined): FieldError[] {
  return (specs ?? []).flatMap((spec) =>
    typeOfParamSpec(spec) === 'object' && spec.properties === undefined ? missingField(`${spec.name}.properties`) : [],
  );
}

/** Values of params: each name once (upper and lower case are the same). Path `params[name].name`. */
export function validateParams(params: readonly Param[] | undefined): FieldError[] {
  return repeated(params, (param) => param.name.toLowerCase()).flatMap(({ index }) =>
    multipleOneOf(`params[${params?.[index]?.name ?? ''}].name`),
  );
}

/** Values of a pipeline task's params: each name once. */
export function validateTaskParams(params: readonly Param[] | undefined): FieldError[] {
  return repeated(params, (param) => param.name).flatMap(({ name, index }) =>
    fieldError(`parameter names must be unique, the parameter "${name}" is also defined at`, `params[${index}].name`),
  );
}

/**
 * Guards: either input with a known operator and values, or a CEL expression where that is allowed. Paths start with
 * `when`.
 */
export function validateWhen(
  expressions: readonly WhenExpression[] | undefined,
  context: ValidationContext,
): FieldError[] {
  return each('when', expressions, (expression) => validateWhenExpression(expression, context));
}

function validateWhenExpression(expression: WhenExpression, context: ValidationContext): FieldError[] {
  const { operator = '', cel, values = [] } = expression;
  const isEmpty = !expression.input && operator === '' && values.length === 0;
  if (cel) return validateCel(expression, cel, isEmpty, context);
  if (isEmpty) return missingField('');
  if (operator !== 'in' && operator !== 'notin')
    return invalidValue(`operator ${quote(operator)} is not recognized. valid operators: in,notin`);
  return values.length === 0 ? invalidValue('expecting non-empty values field') : [];
}

function validateCel(
  expression: WhenExpression,
  cel: string,
  isAlone: boolean,
  context: ValidationContext,
): FieldError[] {
  if (!context.flags.enableCelInWhenExpression)
    return fieldError(
      `feature flag enable-cel-in-whenexpression should be set to true to use CEL: ${cel} in WhenExpression`,
    );
  return isAlone
    ? []
    : fieldError(`cel and input+operator+values cannot be set in one WhenExpression: ${JSON.stringify(expression)}`);
}

/** A reference gives either a name or a resolver with its params. Paths are relative to the reference. */
export function validateRef(ref: TaskRef | PipelineRef | StepActionRef, context: ValidationContext): FieldError[] {
  if (ref.resolver || ref.params !== undefined) return validateRemoteRef(ref, context);
  if (!ref.name) return missingField('name');
  if (isUrl(ref.name)) return [...validateResolverName(ref.name, context), ...missingField('resolver')];
  const problems = qualifiedNameProblems(ref.name);
  return problems.length > 0 ? invalidValue(problems.join(','), 'name') : [];
}

function validateRemoteRef(
  { name, params, resolver }: TaskRef | PipelineRef | StepActionRef,
  context: ValidationContext,
): FieldError[] {
  const errors =
    params === undefined
      ? []
      : [...requireApiFields(context, 'resolver params', 'beta', 'params'), ...validateParams(params)];
  if (params !== undefined && name) errors.push(...multipleOneOf('name', 'params'));
  if (!resolver) return [...errors, ...missingField('resolver')];
  errors.push(...requireApiFields(context, 'resolver', 'beta', 'resolver'));
  return name ? [...errors, ...validateResolverName(name, context)] : errors;
}

/** Beside a resolver a name may only be a URL (concise syntax, alpha). */
function validateResolverName(name: string, context: ValidationContext): FieldError[] {
  if (!isUrl(name)) return multipleOneOf('name', 'resolver');
  return context.flags.enableConciseResolverSyntax
    ? []
    : fieldError(
        'feature flag enable-concise-resolver-syntax should be set to true to use concise resolver syntax',
        '',
      );
}

function isUrl(name: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(name);
}

const RESULT_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Declaration of a result, of a task or a step. */
export function validateResultDeclaration(result: {
  name: string;
  type?: string;
  properties?: Record<string, { type?: string }>;
}): FieldError[] {
  const { name, type = '', properties } = result;
  if (!RESULT_NAME.test(name)) {
    return invalidKeyName(
      name,
      'name',
      `Name must consist of alphanumeric characters, '-', '_', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my-name',  or 'my_name', regex used for validation is '^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$')`,
    );
  }
  if (type === 'object') {
    if (properties === undefined) return missingField(`${name}.properties`);
    const invalid = Object.entries(properties)
      .filter(([, property]) => (property.type || 'string') !== 'string')
      .map(([key]) => key);
    return invalid.length === 0
      ? []
      : fieldError(
          `The value type specified for these keys [${invalid.join(' ')}] is invalid, the type must be string`,
          `${name}.properties`,
        );
  }
  return type === '' || type === 'array' || type === 'string' ? [] : invalidValue(type, 'type', 'type must be string');
}
