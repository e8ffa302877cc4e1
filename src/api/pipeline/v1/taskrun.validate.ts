import {
  disallowedField,
  each,
  invalidValue,
  missingOneOf,
  multipleOneOf,
  via,
  type FieldError,
} from '../../fielderror.ts';
import type { Condition } from '../../meta.ts';
import { defaultTaskRunSpec } from './defaults.ts';
import { validateObjectProperties, validateParams, validateRef } from './params.validate.ts';
import { propagatedParams } from './propagation.ts';
import { changedManagedBy, changedSpec, validateContainerSettings } from './runspecs.validate.ts';
import { validateTaskSpec } from './task.validate.ts';
import { taskRunSpecStatus, type TaskRun, type TaskRunSpec } from './taskrun.ts';
import { validateArrayUsage, validateDeclaredParams } from './taskvariables.validate.ts';
import {
  defaultValidationContext,
  repeated,
  requireApiFields,
  validateDuration,
  validateObjectName,
  type ValidationContext,
} from './validation.ts';
import { validateWorkspaceBinding } from './workspace.validate.ts';

/** A TaskRun. Paths start with `spec` or `metadata`. */
export function validateTaskRun(taskRun: TaskRun, context: ValidationContext = defaultValidationContext): FieldError[] {
  return [
    ...validateObjectName(taskRun.metadata),
    ...(taskRun.spec.status === taskRunSpecStatus.pending && taskRun.status?.startTime
      ? invalidValue('TaskRun cannot be Pending after it is started', 'spec.status')
      : []),
    ...via('spec', validateTaskRunSpec(taskRun.spec, context)),
  ];
}

/** The spec of a TaskRun; references are not followed. Paths are relative to the spec. */
export function validateTaskRunSpec(
  spec: TaskRunSpec,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  return [
    ...validateDefinition(spec, context),
    ...validateParams(spec.params),
    ...validateInlineParams(spec),
    ...each('workspaces', spec.workspaces, validateWorkspaceBinding),
    ...repeated(spec.workspaces, ({ name }) => name.toLowerCase()).flatMap(({ index }) =>
      multipleOneOf(`workspaces[${index}].name`),
    ),
    ...validateDebug(spec, context),
    ...validateContainerSettings(spec, context),
    ...validateStatus(spec),
    ...((spec.retries ?? 0) < 0 ? invalidValue(`${spec.retries} should be >= 0`, 'retries') : []),
    ...validateDuration(spec.timeout, 'timeout'),
  ];
}

function validateDefinition(spec: TaskRunSpec, context: ValidationContext): FieldError[] {
  const { taskRef, taskSpec } = spec;
  if (!taskRef && !taskSpec) return missingOneOf('taskRef', 'taskSpec');
  return [
    ...(taskRef && taskSpec ? multipleOneOf('taskRef', 'taskSpec') : []),
    ...(taskRef ? via('taskRef', validateRef(taskRef, context)) : []),
    ...(taskSpec && context.flags.disableInlineSpec.includes('taskrun') ? disallowedField('taskSpec') : []),
    ...(taskSpec ? via('taskSpec', validateTaskSpec(taskSpec, context)) : []),
  ];
}

/** Params of the run reach into an embedded spec, so the steps are checked against both. */
function validateInlineParams({ taskSpec, params }: TaskRunSpec): FieldError[] {
  if (!taskSpec) return [];
  const specs = propagatedParams({ params }, { specs: taskSpec.params });
  return [
    ...validateObjectProperties(taskSpec.params),
    ...via('taskSpec', [
      ...validateArrayUsage(taskSpec.steps, specs),
      ...validateDeclaredParams(taskSpec.steps, specs),
    ]),
  ];
}

function validateDebug({ debug }: TaskRunSpec, context: ValidationContext): FieldError[] {
  if (!debug) return [];
  const onFailure = debug.breakpoints?.onFailure;
  const before = debug.breakpoints?.beforeSteps;
  return [
    ...requireApiFields(context, 'debug', 'alpha', 'debug'),
    ...(onFailure && onFailure !== 'enabled'
      ? invalidValue(
          `${onFailure} is not a valid onFailure breakpoint value, onFailure breakpoint is only allowed to be set as enabled`,
          'debug.breakpoints.onFailure',
        )
      : []),
    ...repeated(before, (step) => step).flatMap(({ name, index }) =>
      invalidValue(
        `before step must be unique, the same step: ${name} is defined multiple times at`,
        `debug.breakpoints.beforeSteps[${index}]`,
      ),
    ),
  ];
}

function validateStatus({ status, statusMessage }: TaskRunSpec): FieldError[] {
  if (!status) {
    return statusMessage
      ? invalidValue(
          `statusMessage should not be set if status is not set, but it is currently set to ${statusMessage}`,
          'statusMessage',
        )
      : [];
  }
  const { cancelled, pending } = taskRunSpecStatus;
  return status === cancelled || status === pending
    ? []
    : invalidValue(`${status} should be ${cancelled} or ${pending}`, 'status');
}

/** Whether an update is allowed: status and statusMessage until the run is done, nothing afterwards. */
export function validateTaskRunUpdate(
  before: TaskRun,
  after: TaskRun,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  const done = isDone(before.status);
  const normal = (spec: TaskRunSpec) =>
    defaultTaskRunSpec(done ? spec : { ...spec, status: undefined, statusMessage: undefined }, context.defaults);
  const message = done
    ? 'Once the TaskRun is complete, no updates are allowed'
    : 'Once the TaskRun has started, only status and statusMessage updates are allowed';
  return [
    ...changedManagedBy(before.spec.managedBy, after.spec.managedBy),
    ...changedSpec(normal(before.spec), normal(after.spec), message),
  ];
}

/** Whether a run has ended, by its Succeeded condition. */
export function isDone(status: { conditions?: Condition[] } | undefined): boolean {
  const state = status?.conditions?.find((condition) => condition.type === 'Succeeded')?.status;
  return state === 'True' || state === 'False';
}
