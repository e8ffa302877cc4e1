import { decodeAs } from '../../../api/decode.ts';
import { findKind } from '../../../api/kinds.ts';
import type { TaskRef } from '../../../api/pipeline/v1/params.ts';
import type { PipelineSpec } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../../api/pipeline/v1/taskrun.ts';
import { strictSchema } from '../../../api/strict.ts';
import type { TriggerTemplateSpec } from '../../../api/triggers/spec.ts';
import { eachTask } from './pipeline.ts';

/** A spec, and where it is. */
export interface Subject {
  kind: string;
  spec: unknown;
  at: string;
  /** The spec as it was written, without its defaults. */
  written: unknown;
}

/** A part of an object, and where it is. */
interface At<T> {
  path: string;
  part: T;
}

/** A reference to a definition of this kind; `kind` is undefined for custom tasks. */
export interface Reference {
  kind: 'Task' | 'Pipeline' | 'StepAction' | undefined;
  ref: TaskRef;
}

export interface Parts {
  tasks: At<TaskSpec>[];
  pipelines: At<PipelineSpec>[];
  references: At<Reference>[];
}

/** The objects that a template makes, in the form of their kind. Those of older versions only ask for a newer one. */
export function templated(kind: string, spec: unknown): Subject[] {
  if (kind !== 'TriggerTemplate') return [];
  return ((spec as TriggerTemplateSpec).resourcetemplates ?? []).flatMap((object, index) => {
    const { apiVersion, kind: name, spec: written } = object as { apiVersion?: string; kind?: string; spec?: unknown };
    const found = findKind(String(apiVersion), String(name));
    if (!found?.version.storage) return [];
    const { value } = decodeAs(strictSchema(found.version), written ?? {});
    return [{ kind: found.kind.kind, spec: value ?? {}, at: `spec.resourcetemplates[${index}].spec`, written }];
  });
}

/** The specs and references of an object, wherever they are written. */
export function partsOf({ kind, spec, at }: Subject): Parts {
  const parts: Parts = { tasks: [], pipelines: [], references: [] };
  if (kind === 'Task') addTask(parts, at, spec as TaskSpec);
  if (kind === 'Pipeline') addPipeline(parts, at, spec as PipelineSpec);
  if (kind === 'TaskRun') {
    const { taskRef, taskSpec } = spec as TaskRunSpec;
    addReference(parts, `${at}.taskRef`, 'Task', taskRef);
    if (taskSpec) addTask(parts, `${at}.taskSpec`, taskSpec);
  }
  if (kind === 'PipelineRun') {
    const { pipelineRef, pipelineSpec } = spec as PipelineRunSpec;
    addReference(parts, `${at}.pipelineRef`, 'Pipeline', pipelineRef);
    if (pipelineSpec) addPipeline(parts, `${at}.pipelineSpec`, pipelineSpec);
  }
  return parts;
}

function addPipeline(parts: Parts, path: string, pipeline: PipelineSpec): void {
  parts.pipelines.push({ path, part: pipeline });
  for (const { task, at } of eachTask(pipeline, path)) {
    addReference(parts, `${at}.taskRef`, 'Task', task.taskRef);
    addReference(parts, `${at}.pipelineRef`, 'Pipeline', task.pipelineRef);
    if (task.taskSpec) addTask(parts, `${at}.taskSpec`, task.taskSpec);
  }
}

function addTask(parts: Parts, path: string, task: TaskSpec): void {
  parts.tasks.push({ path, part: task });
  for (const [index, { ref }] of (task.steps ?? []).entries())
    addReference(parts, `${path}.steps[${index}].ref`, 'StepAction', ref);
}

function addReference(parts: Parts, path: string, kind: Reference['kind'], ref: TaskRef | undefined): void {
  if (!ref) return;
  const isCustom =
    kind === 'Task' && ((ref.kind ?? 'Task') !== 'Task' || /^(?!tekton\.dev\/)./.test(ref.apiVersion ?? ''));
  parts.references.push({ path, part: { kind: isCustom ? undefined : kind, ref } });
}
