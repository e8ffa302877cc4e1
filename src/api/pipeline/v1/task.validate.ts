import { posix } from 'node:path';
import { each, fieldError, invalidValue, missingField, via, type FieldError } from '../../fielderror.ts';
import { stepResultReference } from '../../variables/reference.ts';
import { isolatedReference } from '../../variables/scan.ts';
import {
  declaredParams,
  validateObjectProperties,
  validateParamSpecs,
  validateParams,
  validateRef,
  validateResultDeclaration,
  validateWhen,
} from './params.validate.ts';
import type { Sidecar, Step, StepTemplate, Task, TaskSpec } from './task.ts';
import {
  usesArtifacts,
  validateArrayUsage,
  validateDeclaredParams,
  validateKnownVariables,
} from './taskvariables.validate.ts';
import {
  defaultValidationContext,
  isDnsLabel,
  quote,
  repeated,
  requireApiFields,
  validateDuration,
  validateObjectName,
  type ValidationContext,
} from './validation.ts';

/** Name of the sidecar that carries results out through its log. */
const RESERVED_SIDECAR = 'tekton-log-results';

/**
 * A Task that stands on its own: nothing propagates into it, so it declares every param it uses. Paths start with
 * `spec` or `metadata`. Rules and texts: upstream's validation of the v1 API.
 */
export function validateTask(task: Task, context: ValidationContext = defaultValidationContext): FieldError[] {
  return [
    ...validateObjectName(task.metadata),
    ...via('spec', [
      ...validateTaskSpec(task.spec, context),
      ...validateDeclaredParams(task.spec.steps, declaredParams(task.spec.params ?? [])),
      ...validateObjectProperties(task.spec.params),
    ]),
  ];
}

/** A spec wherever it is written; params it uses may come from outside. Paths are relative to the spec. */
export function validateTaskSpec(spec: TaskSpec, context: ValidationContext = defaultValidationContext): FieldError[] {
  const template = visibleTemplate(spec.stepTemplate);
  const steps = (spec.steps ?? []).map((step) => overTemplate(step, template));
  const artifacts = artifactsInTemplate(spec.stepTemplate);
  const byName = Map.groupBy(spec.steps ?? [], (step) => step.name ?? '');
  return [
    ...(steps.length === 0 ? missingField('steps') : []),
    ...repeated(spec.volumes, (volume) => volume.name).flatMap(({ name, index }) =>
      fieldError(`multiple volumes with same name ${quote(name)}`, `volumes[${index}].name`),
    ),
    ...validateWorkspaceDeclarations(spec),
    ...validateWorkspaceUsages(spec, context),
    ...each('steps', steps, (step, index) => [
      ...validateStep(step, context),
      ...validateArtifacts(spec.steps?.[index] ?? step, artifacts, context),
    ]),
    ...repeated(steps, (step) => step.name ?? '').flatMap(({ name, index }) =>
      name === '' ? [] : invalidValue(name, `steps[${index}].name`),
    ),
    ...(spec.sidecars ?? []).flatMap(validateSidecarName),
    ...validateParamSpecs(spec.params, context),
    ...validateArrayUsage(spec.steps, declaredParams(spec.params ?? [])),
    ...validateKnownVariables(spec),
    ...each('results', spec.results, (result) => [
      ...validateResultDeclaration(result),
      ...validateResultValue(byName, result.value),
    ]),
  ];
}

/** What of a template is checked in every step: its lists are looked at once where nothing is wrong with them. */
function visibleTemplate(template: StepTemplate | undefined): StepTemplate | undefined {
  if (template === undefined) return undefined;
  const { image, command, volumeMounts = [] } = template;
  const wrong = volumeMounts.findIndex((mount) => validateVolumeMount(mount).length > 0);
  return { image, command, ...(wrong < 0 ? {} : { volumeMounts: volumeMounts.slice(0, wrong + 1) }) };
}

/**
 * The fields of a step after the template is applied, as far as they are validated. A referenced step takes nothing
 * from the template.
 */
function overTemplate(step: Step, template: StepTemplate | undefined): Step {
  if (template === undefined || step.ref !== undefined) return step;
  const image = step.image || template.image;
  return {
    ...step,
    ...(image ? { image } : {}),
    command: step.command ?? template.command,
    volumeMounts: [...(template.volumeMounts ?? []), ...(step.volumeMounts ?? [])],
  };
}

const NOT_WITH_REF: readonly (keyof Step)[] = [
  'image',
  'command',
  'args',
  'script',
  'workingDir',
  'env',
  'volumeMounts',
  'results',
];

function validateStep(step: Step, context: ValidationContext): FieldError[] {
  return [
    ...(step.ref ? validateStepWithRef(step, context) : validateInlineStep(step)),
    ...validateStepName(step.name),
    ...validateDuration(step.timeout, 'timeout'),
    ...each('volumeMounts', step.volumeMounts, validateVolumeMount),
    ...validateStepOnError(step.onError),
    ...(/^\s*#!win/.test(step.script ?? '')
      ? requireApiFields(context, 'windows script support', 'alpha', 'script')
      : []),
    ...(step.stdoutConfig ? requireApiFields(context, 'step stdout stream support', 'alpha', 'stdoutconfig') : []),
    ...(step.stderrConfig ? requireApiFields(context, 'step stderr stream support', 'alpha', 'stderrconfig') : []),
    ...validateWhen(step.when, context),
    ...each('results', step.results, validateResultDeclaration),
  ];
}

/** Whether a template's lists read or write artifacts, for steps that have none of their own. */
function artifactsInTemplate({ command, args }: StepTemplate = {}): { command: boolean; args: boolean } {
  return { command: usesArtifacts({ command }), args: usesArtifacts({ args }) };
}

function validateArtifacts(
  step: Step,
  template: ReturnType<typeof artifactsInTemplate>,
  context: ValidationContext,
): FieldError[] {
  const takes = !step.ref && ((template.command && !step.command) || (template.args && !step.args));
  return !context.flags.enableArtifacts && (takes || usesArtifacts(step))
    ? fieldError('feature flag enable-artifacts should be set to true to use artifacts feature.')
    : [];
}

function validateStepWithRef(step: Step, context: ValidationContext): FieldError[] {
  const set = NOT_WITH_REF.filter((field) => {
    const value = step[field];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
  return [
    ...(step.ref ? via('ref', validateRef(step.ref, context)) : []),
    ...set.flatMap((field) =>
      fieldError(`${field === 'workingDir' ? 'working dir' : field} cannot be used with Ref`, field),
    ),
    ...validateParams(step.params),
  ];
}

function validateInlineStep(step: Step): FieldError[] {
  return [
    ...((step.params ?? []).length > 0 ? fieldError('params cannot be used without Ref', 'params') : []),
    ...(step.image ? [] : missingField('image')),
    ...(step.script && (step.command ?? []).length > 0
      ? fieldError('script cannot be used with command', 'script')
      : []),
  ];
}

function validateStepName(name: string | undefined): FieldError[] {
  if (!name || isDnsLabel(name)) return [];
  return fieldError(
    `invalid value ${quote(name)}`,
    'name',
    'Task step name must be a valid DNS Label, For more info refer to https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names',
  );
}

/** /tekton belongs to the entrypoint, except the home directory. */
export function validateVolumeMount({ name, mountPath }: { name: string; mountPath: string }): FieldError[] {
  return [
    ...(mountPath.startsWith('/tekton/') && !mountPath.startsWith('/tekton/home')
      ? fieldError(
          `volumeMount cannot be mounted under /tekton/ (volumeMount ${quote(name)} mounted at ${quote(mountPath)})`,
          'mountPath',
        )
      : []),
    ...(name.startsWith('tekton-internal-')
      ? fieldError(`volumeMount name ${quote(name)} cannot start with "tekton-internal-"`, 'name')
      : []),
  ];
}

const stepOnErrors: readonly string[] = ['continue', 'stopAndFail', 'continueAndFail'];

function validateStepOnError(onError: string | undefined): FieldError[] {
  if (!onError || stepOnErrors.includes(onError) || onError.startsWith('$(params')) return [];
  return fieldError(
    `invalid value: ${quote(onError)}`,
    'onError',
    'Task step onError must be "continue", "stopAndFail" or "continueAndFail"',
  );
}

function validateSidecarName(sidecar: Sidecar): FieldError[] {
  return sidecar.name === RESERVED_SIDECAR
    ? fieldError(`Invalid: cannot use reserved sidecar name ${sidecar.name} `, 'sidecars')
    : [];
}

/** Workspaces have names of their own and directories that nothing else is mounted at. */
function validateWorkspaceDeclarations(spec: TaskSpec): FieldError[] {
  const mounts = [
    ...(spec.steps ?? []).flatMap((step) => step.volumeMounts ?? []),
    ...(spec.stepTemplate?.volumeMounts ?? []),
  ];
  const taken = new Set(mounts.map((mount) => cleanPath(mount.mountPath)));
  const names = new Set<string>();
  return each('workspaces', spec.workspaces, ({ name, mountPath }) => {
    const errors = names.has(name) ? fieldError(`workspace name ${quote(name)} must be unique`, 'name') : [];
    names.add(name);
    const path = cleanPath(mountPath || `/workspace/${name}`);
    if (taken.has(path)) errors.push(...fieldError(`workspace mount path ${quote(path)} must be unique`, 'mountpath'));
    taken.add(path);
    return errors;
  });
}

function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function validateWorkspaceUsages(spec: TaskSpec, context: ValidationContext): FieldError[] {
  const declared = new Set((spec.workspaces ?? []).map((workspace) => workspace.name));
  const check = (kind: string) => (container: Step | Sidecar) => [
    ...((container.workspaces ?? []).length > 0 ? requireApiFields(context, `${kind} workspaces`, 'beta') : []),
    ...each('workspaces', container.workspaces, ({ name }) =>
      declared.has(name) ? [] : fieldError(`undefined workspace ${quote(name)}`, 'name'),
    ),
  ];
  return [...each('steps', spec.steps, check('step')), ...each('sidecars', spec.sidecars, check('sidecar'))];
}

/** A task result may pass on a result of one of the task's steps. */
function validateResultValue(byName: ReadonlyMap<string, readonly Step[]>, value: unknown): FieldError[] {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const reference = stepResultReference(isolatedReference(text) ?? '');
  if (!reference || reference.result.includes('.')) {
    return fieldError(
      `Could not extract step name and result name. Expected value to look like $(steps.<stepName>.results.<resultName>) but got ${quote(text)}`,
      'value',
    );
  }
  const { step: stepName, result: resultName } = reference;
  const steps = byName.get(stepName) ?? [];
  // Results of a referenced step are only known once it is fetched.
  if (steps.some((step) => step.ref || (step.results ?? []).some((result) => result.name === resultName))) return [];
  return invalidValue(
    steps.length === 0
      ? `step ${stepName} not found`
      : `result ${quote(resultName)} not found in step ${quote(stepName)}`,
    'value',
  );
}
