import {
  disallowedField,
  each,
  invalidValue,
  missingOneOf,
  multipleOneOf,
  via,
  type FieldError,
} from '../../fielderror.ts';
import { formatDuration } from '../../../duration.ts';
import { resultReferences } from '../../variables/reference.ts';
import { textsIn } from '../../variables/scan.ts';
import { defaultPipelineRunSpec } from './defaults.ts';
import { validateObjectProperties, validateParams, validateRef } from './params.validate.ts';
import type { PipelineSpec, PipelineTask } from './pipeline.ts';
import { validatePipelineSpec } from './pipeline.validate.ts';
import { pipelineRunSpecStatus, type PipelineRun, type PipelineRunSpec } from './pipelinerun.ts';
import { isCustomTask } from './pipelinetask.validate.ts';
import { validateParamUsage } from './pipelinevariables.validate.ts';
import { propagatedParams, within } from './propagation.ts';
import {
  changedManagedBy,
  changedSpec,
  validateContainerSettings,
  validatePodTemplateEnv,
} from './runspecs.validate.ts';
import { isDone } from './taskrun.validate.ts';
import { validateArrayUsage, validateDeclaredParams } from './taskvariables.validate.ts';
import {
  defaultValidationContext,
  durationMs,
  validateDuration,
  validateObjectName,
  type ValidationContext,
} from './validation.ts';
import { validateRepeatedBindings, validateWorkspaceBinding } from './workspace.validate.ts';

/** A PipelineRun. Paths start with `spec` or `metadata`. */
export function validatePipelineRun(
  run: PipelineRun,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  return [
    ...validateObjectName(run.metadata),
    ...(run.spec.status === pipelineRunSpecStatus.pending && run.status?.startTime
      ? invalidValue('PipelineRun cannot be Pending after it is started', 'spec.status')
      : []),
    ...via('spec', validatePipelineRunSpec(run.spec, context)),
  ];
}

/** The spec of a PipelineRun; references are not followed. Paths are relative to the spec. */
export function validatePipelineRunSpec(
  spec: PipelineRunSpec,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  return [
    ...validateDefinition(spec, context),
    ...validateRunParams(spec),
    ...validateInlineParams(spec),
    ...(spec.taskRunSpecs ?? []).flatMap((taskRunSpec) =>
      via(`taskRunSpecs[${taskRunSpec.pipelineTaskName ?? ''}]`, [
        ...validateContainerSettings(taskRunSpec, context),
        ...validateDuration(taskRunSpec.timeout, 'timeout'),
      ]),
    ),
    ...validateTimeouts(spec, context),
    ...validateStatus(spec.status),
    ...each('workspaces', spec.workspaces, validateWorkspaceBinding),
    ...validateRepeatedBindings(spec.workspaces ?? []),
    ...via('taskRunTemplate', validatePodTemplateEnv(spec.taskRunTemplate?.podTemplate, context)),
  ];
}

function validateDefinition(spec: PipelineRunSpec, context: ValidationContext): FieldError[] {
  const { pipelineRef, pipelineSpec } = spec;
  if (!pipelineRef && !pipelineSpec) return missingOneOf('pipelineRef', 'pipelineSpec');
  return [
    ...(pipelineRef && pipelineSpec ? multipleOneOf('pipelineRef', 'pipelineSpec') : []),
    ...(pipelineRef ? via('pipelineRef', validateRef(pipelineRef, context)) : []),
    ...(pipelineSpec && context.flags.disableInlineSpec.includes('pipelinerun') ? disallowedField('pipelineSpec') : []),
    ...(pipelineSpec ? via('pipelineSpec', validatePipelineSpec(pipelineSpec, context)) : []),
  ];
}

/** A run has no tasks yet whose results its params could use. */
function validateRunParams({ params }: PipelineRunSpec): FieldError[] {
  return [
    ...validateParams(params),
    ...(params ?? []).flatMap(({ name, value }) => {
      const references = textsIn(value)
        .flatMap(resultReferences)
        .map(({ section, task, result }) => `${section}.${task}.results.${result}`);
      return references.length === 0
        ? []
        : invalidValue(
            `cannot use result expressions in [${references.join(' ')}] as PipelineRun parameter values`,
            `params[${name}].value`,
          );
    }),
  ];
}

/**
 * Params propagate from the run through the pipeline into embedded tasks. A name that any scope of the run knows counts
 * as declared, as upstream has it; its type is that of the scopes around the place where it is used.
 */
function validateInlineParams({ pipelineSpec, params }: PipelineRunSpec): FieldError[] {
  if (!pipelineSpec) return [];
  const known = knownNames(
    pipelineSpec,
    (params ?? []).map((param) => param.name),
  );
  const outer = { params };
  const middle = { specs: pipelineSpec.params };
  const declared = propagatedParams(outer, middle);
  const inTask = (task: PipelineTask) => {
    if (!task.taskSpec || isCustomTask(task)) return [];
    const matrixParams = [
      ...(task.matrix?.params ?? []),
      ...(task.matrix?.include ?? []).flatMap((entry) => entry.params ?? []),
    ];
    // Each run of a matrix gets one value of the list.
    const single = matrixParams.map(({ name }) => ({ name, value: '' }));
    const specs = within(declared, { params: task.params }, { params: single }, { specs: task.taskSpec.params });
    const { steps } = task.taskSpec;
    return [
      ...validateObjectProperties(task.taskSpec.params),
      ...via('taskSpec', [...validateArrayUsage(steps, specs), ...validateDeclaredParams(steps, specs, known)]),
    ];
  };
  return via('pipelineSpec', [
    ...validateObjectProperties(pipelineSpec.params),
    ...(['tasks', 'finally'] as const).flatMap((section) => [
      ...each(section, pipelineSpec[section], inTask),
      ...validateParamUsage(section, pipelineSpec[section], declared, known),
    ]),
  ]);
}

function knownNames(spec: PipelineSpec, given: readonly string[]): Set<string> {
  const names = new Set([...given, ...(spec.params ?? []).map((param) => param.name)]);
  for (const task of [...(spec.tasks ?? []), ...(spec.finally ?? [])]) {
    const lists: (readonly { name: string }[] | undefined)[] = [
      task.params,
      task.matrix?.params,
      ...(task.matrix?.include ?? []).map((entry) => entry.params),
      task.taskSpec?.params,
    ];
    for (const { name } of lists.flatMap((list) => [...(list ?? [])])) names.add(name);
  }
  return names;
}

function validateTimeouts(spec: PipelineRunSpec, context: ValidationContext): FieldError[] {
  const { timeouts } = spec;
  if (!timeouts) return [];
  const errors = (['tasks', 'finally', 'pipeline'] as const).flatMap((field) =>
    validateDuration(timeouts[field], `timeouts.${field}`),
  );
  if (errors.length > 0) return errors;
  const limit = durationMs(timeouts.pipeline);
  const whole = limit ?? context.defaults.timeoutMinutes * 60_000;
  const rule = limit === undefined ? 'should be <= default timeout duration' : 'should be <= pipeline duration';
  return [
    ...validateParts(timeouts, whole, rule),
    ...validateTaskTimeouts(spec, whole, limit === undefined ? 'default timeout duration' : 'pipeline duration'),
  ];
}

/** tasks and finally, each and together, fit into the whole; 0 is no limit. */
function validateParts(timeouts: NonNullable<PipelineRunSpec['timeouts']>, whole: number, rule: string): FieldError[] {
  if (whole === 0) return [];
  const tasks = durationMs(timeouts.tasks);
  const last = durationMs(timeouts.finally);
  const errors = (
    [
      ['tasks', tasks],
      ['finally', last],
    ] as const
  ).flatMap(([field, ms]) => {
    if (ms === undefined || (ms !== 0 && ms <= whole)) return [];
    return invalidValue(`${formatDuration(ms)}${ms === 0 ? ' (no timeout)' : ''} ${rule}`, `timeouts.${field}`);
  });
  if (tasks !== undefined && last !== undefined && tasks + last > whole) {
    const message = `${formatDuration(tasks)} + ${formatDuration(last)} ${rule}`;
    errors.push(...invalidValue(message, 'timeouts.tasks'), ...invalidValue(message, 'timeouts.finally'));
  }
  return errors;
}

function validateTaskTimeouts(spec: PipelineRunSpec, whole: number, source: string): FieldError[] {
  const tasks = durationMs(spec.timeouts?.tasks);
  const limit = tasks ?? whole;
  if (limit === 0) return [];
  const name = tasks === undefined ? source : 'pipeline tasks duration';
  return (spec.taskRunSpecs ?? []).flatMap(({ pipelineTaskName = '', timeout }) => {
    const ms = durationMs(timeout);
    if (ms === undefined || ms <= limit) return [];
    return invalidValue(
      `${formatDuration(ms)} should be <= ${name} ${formatDuration(limit)}`,
      `taskRunSpecs[${pipelineTaskName}].timeout`,
    );
  });
}

function validateStatus(status: string | undefined): FieldError[] {
  const { cancelled, cancelledRunFinally, stoppedRunFinally, pending } = pipelineRunSpecStatus;
  const allowed: readonly string[] = [cancelled, cancelledRunFinally, stoppedRunFinally, pending];
  if (!status || allowed.includes(status)) return [];
  return invalidValue(
    `${status} should be ${cancelled}, ${cancelledRunFinally}, ${stoppedRunFinally} or ${pending}`,
    'status',
  );
}

/** Whether an update is allowed: status until the run is done, nothing afterwards. */
export function validatePipelineRunUpdate(
  before: PipelineRun,
  after: PipelineRun,
  context: ValidationContext = defaultValidationContext,
): FieldError[] {
  const done = isDone(before.status);
  const normal = (spec: PipelineRunSpec) =>
    defaultPipelineRunSpec(done ? spec : { ...spec, status: undefined }, context.defaults);
  const message = done
    ? 'Once the PipelineRun is complete, no updates are allowed'
    : 'Once the PipelineRun has started, only status updates are allowed';
  return [
    ...changedManagedBy(before.spec.managedBy, after.spec.managedBy),
    ...changedSpec(normal(before.spec), normal(after.spec), message),
  ];
}
