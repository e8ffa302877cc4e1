import { fieldError, formatFieldErrors, invalidValue, type FieldError } from '../../api/fielderror.ts';
import type { PipelineSpec, PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import { taskDependencies } from '../../core/graph/dependencies.ts';
import { buildGraph, GraphError } from '../../core/graph/graph.ts';
import type { KubeObject } from '../../resource.ts';
import { gate, type GateRules } from './gates.ts';
import { specOf, subjectOf, type Subject } from './object.ts';
import { allowed, badRequest, forbidden, type AdmissionRequest, type Verdict } from './review.ts';

/**
 * Validation (validation.webhook.pipeline.tekton.dev): first who may write this at all, then everything that is wrong
 * with the object, in one answer.
 */
export function validateObject(request: AdmissionRequest, context: ValidationContext, gates: GateRules): Verdict {
  const closed = gate(request, gates);
  if (closed.length > 0) return forbidden(closed.join('\n'));
  const subject = subjectOf(request);
  if (!subject) return allowed;
  const errors = [...subject.unreadable, ...errorsOf(subject, context)];
  return errors.length === 0 ? allowed : badRequest(`validation failed: ${formatFieldErrors(errors)}`);
}

/** What is wrong with an object that is in the form of its kind. */
export function errorsOf({ kind, version, object, before }: Subject, context: ValidationContext): FieldError[] {
  const about = { ...context, creating: before === undefined };
  // Rules of runs are about their creation: a later one must not keep an old run from being cancelled.
  if (before && version.validateUpdate) return version.validateUpdate(before, object, about);
  return [...(version.validate?.(object, about) ?? []), ...graphErrors(kind.kind, object)];
}

/** The order of a pipeline's tasks: cycles, and tasks to come after that are not there. */
export function graphErrors(kind: string, object: KubeObject): FieldError[] {
  const spec = specOf(object) as { pipelineSpec?: PipelineSpec } & PipelineSpec;
  if (kind === 'Pipeline') return orderErrors(spec.tasks, 'spec.tasks');
  return kind === 'PipelineRun' && spec.pipelineSpec
    ? orderErrors(spec.pipelineSpec.tasks, 'spec.pipelineSpec.tasks')
    : [];
}

function orderErrors(tasks: readonly PipelineTask[] = [], path: string): FieldError[] {
  const names = new Set(tasks.map((task) => task.name ?? ''));
  // Told already, of the name that is there twice or missing.
  if (names.size < tasks.length) return [];
  try {
    buildGraph(tasks.map((task) => ({ name: task.name ?? '', dependencies: taskDependencies(task, names) })));
    return [];
  } catch (error) {
    if (error instanceof GraphError) return invalidValue(error.message, path);
    if (error instanceof RangeError) return fieldError('too many references to follow', path);
    throw error;
  }
}
