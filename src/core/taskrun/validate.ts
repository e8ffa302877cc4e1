import type { ResourceRequirements } from '../../api/core/container.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import { defaultTaskSpec } from '../../api/pipeline/v1/defaults.ts';
import type { Task, TaskSpec } from '../../api/pipeline/v1/task.ts';
import { validateTask as admitTask } from '../../api/pipeline/v1/task.validate.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { validateTaskRun as admitTaskRun } from '../../api/pipeline/v1/taskrun.validate.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { references } from '../../api/variables/scan.ts';
import { checkArrayIndexes, checkEnums, checkParams } from '../params/check.ts';
import { excess } from '../budget.ts';
import { paramReplacements } from '../params/replacements.ts';
import { parseQuantity } from '../pod/quantity.ts';
import { allDeclarations } from '../pod/workspaces.ts';
import { quote } from '../podstatus/quote.ts';
import type { Settings } from '../settings.ts';
import { type Replacements } from '../substitution/replacements.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { unsupported } from './unsupported.ts';

/** Why a run cannot start: the failed condition's reason and message. */
export interface Problem {
  reason: string;
  message: string;
}

type Check = (taskRun: TaskRun, taskName: string, spec: TaskSpec, settings: Settings) => Problem | undefined;

/** In upstream's order, so that a run with several faults reports the same one. */
const checks: Check[] = [
  checkExcess,
  unsupported,
  checkSteps,
  checkBreakpoints,
  checkRequests,
  checkGivenParams,
  checkParamEnums,
  checkIndexes,
  checkVariables,
  checkWorkspaces,
  checkOneClaim,
  checkOverrides,
  checkAdmission,
];

/** The first fault of a run against the Task it names, before anything is made for it. */
export function validateTaskRun(
  taskRun: TaskRun,
  taskName: string,
  spec: TaskSpec,
  settings: Settings,
): Problem | undefined {
  for (const check of checks) {
    const problem = check(taskRun, taskName, spec, settings);
    if (problem) return problem;
  }
  return undefined;
}

function invalid(message: string): Problem {
  return { reason: reasons.validationFailed, message: userErrorPrefix + message };
}

/** What admission would have refused: without the webhook, or with an older one, it gets here. */
function checkAdmission(taskRun: TaskRun, taskName: string, spec: TaskSpec, settings: Settings): Problem | undefined {
  const ofRun = admitTaskRun(taskRun, settings);
  if (ofRun.length > 0) return invalid(formatFieldErrors(ofRun));
  if (taskRun.spec.taskSpec) return undefined;
  const task = { metadata: { name: taskName }, spec: defaultTaskSpec(spec) } as Task;
  const ofTask = admitTask(task, settings);
  return ofTask.length > 0 ? invalid(`task ${taskName} has an invalid spec: ${formatFieldErrors(ofTask)}`) : undefined;
}

/** Before anything that looks into the spec by recursion. */
function checkExcess(taskRun: TaskRun, taskName: string, spec: TaskSpec): Problem | undefined {
  const { taskSpec: _taskSpec, ...ofRun } = taskRun.spec;
  const inRun = excess(ofRun);
  if (inRun) return invalid(`spec of TaskRun ${quote(taskRun.metadata.name ?? '')} ${inRun}`);
  const inTask = excess(spec);
  return inTask ? invalid(`spec of task ${taskName} ${inTask}`) : undefined;
}

function checkSteps(_taskRun: TaskRun, taskName: string, spec: TaskSpec): Problem | undefined {
  if ((spec.steps ?? []).length === 0) return invalid(`task ${taskName} has no steps: add at least one under steps`);
  const imageless = (spec.steps ?? []).findIndex((step) => !step.image && !spec.stepTemplate?.image && !step.ref);
  return imageless === -1
    ? undefined
    : invalid(`steps[${imageless}].image of task ${taskName} is missing: name an image there or in stepTemplate.image`);
}

function checkBreakpoints(
  { spec: { debug } }: TaskRun,
  taskName: string,
  spec: TaskSpec,
  { flags }: Settings,
): Problem | undefined {
  const { onFailure, beforeSteps = [] } = debug?.breakpoints ?? {};
  if (!onFailure && beforeSteps.length === 0) return undefined;
  if (flags.enableApiFields !== 'alpha')
    return invalid(
      `spec.debug requires "enable-api-fields" feature gate to be "alpha" but it is "${flags.enableApiFields}"`,
    );
  if (onFailure && onFailure !== 'enabled')
    return invalid(
      `invalid value: ${onFailure} is not a valid onFailure breakpoint value, onFailure breakpoint is only allowed to be set as enabled: spec.debug.breakpoints.onFailure`,
    );
  const unknown = unknownStep(spec, beforeSteps);
  return unknown === undefined
    ? undefined
    : invalid(`spec.debug.breakpoints.beforeSteps: task ${taskName} has no step ${quote(unknown)}`);
}

function unknownStep({ steps = [] }: TaskSpec, names: readonly string[]): string | undefined {
  const known = new Set(steps.map((step) => step.name));
  return names.find((name) => !known.has(name));
}

function checkRequests(_taskRun: TaskRun, _taskName: string, spec: TaskSpec): Problem | undefined {
  const common = spec.stepTemplate?.computeResources?.limits;
  for (const { computeResources: { requests = {}, limits } = {} } of spec.steps ?? []) {
    const over = requestAbove({ ...common, ...limits }, requests);
    if (over)
      return invalid(`invalid request resource value: ${over.request} must be less or equal to limit ${over.limit}`);
  }
  return undefined;
}

type Amounts = NonNullable<ResourceRequirements['limits']>;

function requestAbove(
  limits: Amounts,
  requests: Amounts,
): { request: string | number; limit: string | number } | undefined {
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && exceeds(request, limit)) return { request, limit };
  }
  return undefined;
}

function exceeds(request: string | number, limit: string | number): boolean {
  const [wanted, allowed] = [parseQuantity(request), parseQuantity(limit)];
  return wanted !== undefined && allowed !== undefined && wanted > allowed;
}

function checkGivenParams(taskRun: TaskRun, taskName: string, spec: TaskSpec): Problem | undefined {
  const problem = checkParams(spec.params ?? [], taskRun.spec.params ?? []);
  return problem && invalid(`invalid input params for task ${taskName}: ${problem.message}`);
}

function checkParamEnums(taskRun: TaskRun, _taskName: string, spec: TaskSpec, settings: Settings): Problem | undefined {
  const problem = settings.flags.enableParamEnum ? checkEnums(spec.params ?? [], taskRun.spec.params ?? []) : undefined;
  return problem && { reason: reasons.invalidParamValue, message: userErrorPrefix + problem.message };
}

function checkIndexes(taskRun: TaskRun, _taskName: string, spec: TaskSpec): Problem | undefined {
  const problem = checkArrayIndexes(spec.params ?? [], taskRun.spec.params ?? [], [
    spec.steps,
    spec.stepTemplate,
    spec.sidecars,
    spec.volumes,
    spec.workspaces,
  ]);
  return problem && { reason: reasons.validationFailed, message: problem.message };
}

function checkWorkspaces(taskRun: TaskRun, _taskName: string, spec: TaskSpec, settings: Settings): Problem | undefined {
  const given = taskRun.spec.workspaces ?? [];
  const malformed = given.find((binding) => sources(binding).length !== 1);
  if (malformed) {
    const found = sources(malformed);
    return {
      reason: reasons.validationFailed,
      message: `binding ${quote(malformed.name)} is invalid: expected exactly one, got ${found.length === 0 ? 'neither' : 'both'}: ${(found.length === 0 ? sourceFields : found).join(', ')}`,
    };
  }
  const names = new Set(given.map((binding) => binding.name));
  const declared = taskRun.spec.taskSpec ? allDeclarations(spec, given) : (spec.workspaces ?? []);
  const unbound = settings.defaults.taskRunWorkspaceBinding
    ? undefined
    : declared.find((declaration) => !declaration.optional && !names.has(declaration.name));
  if (unbound)
    return {
      reason: reasons.validationFailed,
      message: `declared workspace ${quote(unbound.name)} is required but has not been bound`,
    };
  const declaredNames = new Set(declared.map((declaration) => declaration.name));
  const surplus = given.find((binding) => !declaredNames.has(binding.name));
  return (
    surplus && {
      reason: reasons.validationFailed,
      message: `workspace binding ${quote(surplus.name)} does not match any declared workspace`,
    }
  );
}

const sourceFields = [
  'persistentVolumeClaim',
  'volumeClaimTemplate',
  'emptyDir',
  'configMap',
  'secret',
  'projected',
  'csi',
] as const;

function sources(binding: WorkspaceBinding): string[] {
  return sourceFields.filter((field) => binding[field] !== undefined);
}

/** With an affinity assistant per volume, a pod with two volumes could be bound to two nodes. */
function checkOneClaim(taskRun: TaskRun, _taskName: string, _spec: TaskSpec, settings: Settings): Problem | undefined {
  if (settings.flags.coschedule !== 'workspaces') return undefined;
  const claims = (taskRun.spec.workspaces ?? []).map(
    (binding) =>
      binding.persistentVolumeClaim?.claimName ??
      (binding.volumeClaimTemplate ? `template of ${binding.name}` : undefined),
  );
  const distinct = new Set(claims.filter((claim) => claim !== undefined));
  return distinct.size > 1
    ? { reason: reasons.validationFailed, message: 'more than one PersistentVolumeClaim is bound' }
    : undefined;
}

function checkOverrides(taskRun: TaskRun, _taskName: string, spec: TaskSpec): Problem | undefined {
  const steps = new Set((spec.steps ?? []).map((step) => step.name));
  const sidecars = new Set((spec.sidecars ?? []).map((sidecar) => sidecar.name));
  const faults = [
    ...(taskRun.spec.stepSpecs ?? [])
      .filter(({ name }) => !steps.has(name))
      .map(({ name }) => `invalid StepOverride: No Step named ${name}`),
    ...(taskRun.spec.sidecarSpecs ?? [])
      .filter(({ name }) => !sidecars.has(name))
      .map(({ name }) => `invalid SidecarOverride: No Sidecar named ${name}`),
  ];
  if (faults.length === 0) return undefined;
  return invalid(
    `${faults.length} error${faults.length > 1 ? 's' : ''} occurred:\n${faults.map((fault) => `\t* ${fault}\n`).join('')}\n`,
  );
}

/** References to params that nothing will replace. Worded as the webhook words it. */
function checkVariables(taskRun: TaskRun, _taskName: string, spec: TaskSpec): Problem | undefined {
  const r = paramReplacements(spec.params ?? [], taskRun.spec.params ?? []);
  for (const [index, step] of (spec.steps ?? []).entries()) {
    for (const [field, value] of Object.entries(step)) {
      const fault = field === 'results' ? undefined : firstVariableFault(value, r, field === 'params');
      if (fault !== undefined) return invalid(`${fault}: steps[${index}].${field}`);
    }
  }
  return undefined;
}

function variableFault(text: string, r: Replacements, ofStepAction: boolean): string | undefined {
  for (const reference of references(text)) {
    if (!/^params(\.|\[)/.test(reference) || r.text(reference) !== undefined) continue;
    // A param for a StepAction may ask for the list that a text is not: it stays as it is written, as upstream.
    if (ofStepAction && r.text(reference.replace(/\[\*\]$/, '')) !== undefined) continue;
    if (r.whole(reference) === undefined) return `non-existent variable in ${quote(excerpt(text, reference))}`;
    if (text !== `$(${reference})`) return `variable is not properly isolated in ${quote(excerpt(text, reference))}`;
  }
  return undefined;
}

/** The line of a long text in which a reference stands: a script of 200 KB is no message. */
function excerpt(text: string, reference: string): string {
  if (text.length <= 1000) return text;
  const line = text.split('\n').find((candidate) => candidate.includes(`$(${reference})`)) ?? '';
  return line.length <= 1000 ? line : `$(${reference})`;
}

function firstVariableFault(tree: unknown, r: Replacements, ofStepAction: boolean): string | undefined {
  if (typeof tree === 'string') return variableFault(tree, r, ofStepAction);
  if (tree === null || typeof tree !== 'object') return undefined;
  for (const item of Object.values(tree) as unknown[]) {
    const fault = firstVariableFault(item, r, ofStepAction);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
