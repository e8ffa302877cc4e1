import type { EnvVar, ResourceRequirements } from '../../api/core/container.ts';
import type { Step, StepTemplate } from '../../api/pipeline/v1/task.ts';
import { isJsonObject } from '../../json-object.ts';

/**
 * Steps with the Task's stepTemplate beneath them, as Kubernetes' strategic merge does for a Container: what the step
 * sets wins; env is merged by name, mounts by path, devices by path, resources and security context key by key.
 */
export function mergeStepTemplate(steps: readonly Step[], template: StepTemplate | undefined): Step[] {
  return steps.map((step) => (template === undefined ? step : mergeStep(step, template)));
}

function mergeStep(step: Step, template: StepTemplate): Step {
  const merged: Step = { ...template, ...withoutEmpty(step) };
  const env = mergeBy(template.env, step.env, (item: EnvVar) => item.name);
  const volumeMounts = mergeBy(template.volumeMounts, step.volumeMounts, (item) => item.mountPath);
  const volumeDevices = mergeBy(template.volumeDevices, step.volumeDevices, (item) => item.devicePath);
  if (env) merged.env = env;
  if (volumeMounts) merged.volumeMounts = volumeMounts;
  if (volumeDevices) merged.volumeDevices = volumeDevices;
  if (template.computeResources && step.computeResources)
    merged.computeResources = mergeResources(template.computeResources, step.computeResources);
  if (template.securityContext && step.securityContext)
    merged.securityContext = mergeObjects(template.securityContext, step.securityContext);
  return merged;
}

function withoutEmpty(step: Step): Step {
  return Object.fromEntries(
    Object.entries(step).filter(
      ([, value]) => value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

function mergeBy<T>(below: T[] | undefined, above: T[] | undefined, keyOf: (item: T) => string): T[] | undefined {
  if (!below?.length) return above;
  const overriding = new Map((above ?? []).map((item) => [keyOf(item), item]));
  const merged = below.map((item) => overriding.get(keyOf(item)) ?? item);
  const known = new Set(below.map(keyOf));
  return [...merged, ...(above ?? []).filter((item) => !known.has(keyOf(item)))];
}

function mergeResources(below: ResourceRequirements, above: ResourceRequirements): ResourceRequirements {
  const merged = { ...below, ...above };
  if (below.requests && above.requests) merged.requests = { ...below.requests, ...above.requests };
  if (below.limits && above.limits) merged.limits = { ...below.limits, ...above.limits };
  return merged;
}

function mergeObjects(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isJsonObject(under) && isJsonObject(value) ? mergeObjects(under, value) : value;
  }
  return merged;
}
