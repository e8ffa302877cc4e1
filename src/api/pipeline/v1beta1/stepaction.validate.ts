import { each, fieldError, invalidValue, missingField, via, type FieldError } from '../../fielderror.ts';
import type { VolumeMount } from '../../core/container.ts';
import { variables } from '../../variables/reference.ts';
import {
  declaredParams,
  validateObjectProperties,
  validateParamSpecs,
  validateResultDeclaration,
} from '../v1/params.validate.ts';
import type { Step } from '../v1/task.ts';
import { unknownVariable, validateArrayUsage, validateDeclaredParams } from '../v1/taskvariables.validate.ts';
import {
  defaultValidationContext,
  requireApiFields,
  validateObjectName,
  type ValidationContext,
} from '../v1/validation.ts';
import type { StepAction, StepActionSpec } from './stepaction.ts';

/** A StepAction, with upstream's rules and texts (pkg/apis/pipeline/v1beta1/stepaction_validation.go). */
export function validateStepAction(
  action: StepAction,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  return [...validateObjectName(action.metadata), ...via('spec', validateSpec(action.spec, context))];
}

function validateSpec(spec: StepActionSpec, context: ValidationContext): FieldError[] {
  const { params = [], results = [], script = '', description: _, ...container } = spec;
  const declared = declaredParams(params);
  // The variables of a StepAction are looked for in the fields of the step that it becomes.
  const { workingDir: _directory, ...step } = container;
  const steps: Step[] = [{ ...step, script, volumeMounts: namesOnly(spec.volumeMounts) }];
  return [
    ...(spec.image ? [] : missingField('Image')),
    ...validateScript(spec, context),
    ...ofStep(validateDeclaredParams(steps, declared)),
    ...validateObjectProperties(params),
    ...validateParamSpecs(params, context),
    ...ofStep(validateArrayUsage(steps, declared)),
    ...(results.length === 0
      ? []
      : via('script', unknownVariable(script, 'step.results', new Set(results.map(({ name }) => name))))),
    ...each('results', results, validateResultDeclaration),
    ...validateVolumeMounts(spec.volumeMounts, declared),
  ];
}

function validateScript({ script, command }: StepActionSpec, context: ValidationContext): FieldError[] {
  if (!script) return [];
  return [
    ...((command ?? []).length > 0 ? fieldError('script cannot be used with command', 'script') : []),
    ...(/^\s*#!win/.test(script) ? requireApiFields(context, 'windows script support', 'alpha', 'script') : []),
    ...(variables(script, 'params').length > 0
      ? fieldError('param substitution in scripts is not allowed.', 'script')
      : []),
  ];
}

/** The volume is the Task's, so its name comes in by a param. */
function validateVolumeMounts(
  mounts: readonly VolumeMount[] | undefined,
  declared: ReturnType<typeof declaredParams>,
): FieldError[] {
  const names = { has: (name: string) => declared(name).length > 0 };
  return each('volumeMounts', mounts, ({ name }) => {
    const [only, ...more] = variables(name, 'params');
    if (only === undefined || more.length > 0 || only.text !== name)
      return invalidValue(name, 'name', 'expect the Name to be a single param reference');
    return unknownVariable(name, 'params', names);
  });
}

function namesOnly(mounts: readonly VolumeMount[] | undefined): VolumeMount[] {
  return (mounts ?? []).map(({ name }) => ({ name, mountPath: '' }));
}

/** Errors of the one step are errors of the StepAction itself. */
function ofStep(errors: readonly FieldError[]): FieldError[] {
  return errors.map((error) => ({
    ...error,
    path: error.path.replace(/^steps\[0\]\.?/, '').replace(/^(volumeMounts\[\d+\])\.name$/, '$1'),
  }));
}
