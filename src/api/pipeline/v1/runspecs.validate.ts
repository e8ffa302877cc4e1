import { each, fieldError, invalidValue, missingField, multipleOneOf, type FieldError } from '../../fielderror.ts';
import type { PodTemplate } from '../../core/podtemplate.ts';
import type { TaskRunSpec, TaskRunStepSpec } from './taskrun.ts';
import { repeated, requireApiFields, type ValidationContext } from './validation.ts';

/** What a TaskRun and an entry of taskRunSpecs have in common. */
type ContainerSettings = Pick<TaskRunSpec, 'stepSpecs' | 'sidecarSpecs' | 'computeResources' | 'podTemplate'>;

/**
 * Compute resources of steps, sidecars and the whole, and the pod template's environment. Paths are relative to the
 * settings.
 */
export function validateContainerSettings(settings: ContainerSettings, context: ValidationContext): FieldError[] {
  const { stepSpecs, sidecarSpecs, computeResources, podTemplate } = settings;
  const both =
    computeResources !== undefined &&
    (stepSpecs ?? []).some(({ computeResources: own }) => Object.keys(own ?? {}).length > 0);
  return [
    ...(stepSpecs ? requireApiFields(context, 'stepSpecs', 'beta', 'stepSpecs') : []),
    ...validateNames('stepSpecs', stepSpecs),
    ...(sidecarSpecs ? requireApiFields(context, 'sidecarSpecs', 'beta', 'sidecarSpecs') : []),
    ...validateNames('sidecarSpecs', sidecarSpecs),
    ...(computeResources ? requireApiFields(context, 'computeResources', 'beta', 'computeResources') : []),
    ...(both ? multipleOneOf('stepSpecs.resources', 'computeResources') : []),
    ...validatePodTemplateEnv(podTemplate, context),
  ];
}

function validateNames(field: string, specs: readonly TaskRunStepSpec[] | undefined): FieldError[] {
  return [
    ...each(field, specs, ({ name }) => (name ? [] : missingField('name'))),
    ...repeated(specs, ({ name }) => (name ?? '').toLowerCase()).flatMap(({ name, index }) =>
      name === '' ? [] : multipleOneOf(`${field}[${index}].name`),
    ),
  ];
}

/** Variables that the operator reserves (config-defaults: default-forbidden-env). */
export function validatePodTemplateEnv(template: PodTemplate | undefined, context: ValidationContext): FieldError[] {
  const forbidden = new Set(context.defaults.forbiddenEnv);
  return (template?.env ?? [])
    .filter(({ name }) => forbidden.has(name))
    .flatMap(({ name }) => invalidValue(`PodTemplate cannot update a forbidden env: ${name}`, 'PodTemplate.Env'));
}

/** The error when a spec differs from what it was, apart from what `allowed` made equal. Key order does not matter. */
export function changedSpec(before: unknown, after: unknown, message: string): FieldError[] {
  return canonical(before) === canonical(after) ? [] : invalidValue(message, 'spec');
}

/** Absent, null, "" and empty lists and objects are the same, since clients differ in what they leave out. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, item: unknown) => {
      if (item === null || item === '') return undefined;
      if (Array.isArray(item)) return item.length === 0 ? undefined : item;
      if (typeof item !== 'object') return item;
      const entries = Object.entries(item).filter(([, child]) => child !== undefined && child !== null && child !== '');
      return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ''
  );
}

/** managedBy decides which controller owns the run, for good. */
export function changedManagedBy(before: string | undefined, after: string | undefined): FieldError[] {
  return before === after ? [] : fieldError('managedBy is immutable', 'spec.managedBy');
}
