import type { PipelineSpec } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { StepActionRef } from '../../../api/pipeline/v1/params.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../../api/pipeline/v1/taskrun.ts';
import type { EventListenerSpec, TriggerTemplateSpec } from '../../../api/triggers/spec.ts';
import type { Checked } from '../check.ts';
import type { RuledError } from '../references.ts';
import { pipelineAdvice } from './pipeline.ts';
import { referenceAdvice, type Reference } from './reference.ts';
import { timeoutAdvice } from './run.ts';
import { stepActionAdvice, taskAdvice } from './task.ts';
import { listenerAdvice, templateAdvice } from './trigger.ts';

/** What works, and could be better. @param given the object as it was written: without defaults, and of its version */
export function lint({ kind, spec }: Checked, given: Record<string, unknown>): RuledError[] {
  const { tasks, pipelines, references } = partsOf(kind, spec);
  return [
    ...(/\/v1beta1$/.test(String(given['apiVersion'])) && ['Task', 'TaskRun', 'Pipeline', 'PipelineRun'].includes(kind)
      ? [{ rule: 'old-version', path: 'apiVersion', message: `${kind} has tekton.dev/v1; write that` }]
      : []),
    ...tasks.flatMap(({ path, part }) => taskAdvice(part, path)),
    ...pipelines.flatMap(({ path, part }) => pipelineAdvice(part, path)),
    ...references.flatMap(({ path, part }) => referenceAdvice(part, path)),
    ...ofKind(kind, spec),
    ...timeoutAdvice(kind, given['spec']),
  ];
}

/** What only this kind has. */
function ofKind(kind: string, spec: unknown): RuledError[] {
  switch (kind) {
    case 'StepAction':
      return stepActionAdvice(spec as Parameters<typeof stepActionAdvice>[0], 'spec');
    case 'EventListener':
      return listenerAdvice(spec as EventListenerSpec);
    case 'TriggerTemplate':
      return templateAdvice(spec as TriggerTemplateSpec);
    default:
      return [];
  }
}

/** A part of an object, and where it is. */
interface At<T> {
  path: string;
  part: T;
}

interface Parts {
  tasks: At<TaskSpec>[];
  pipelines: At<PipelineSpec>[];
  references: At<Reference>[];
}

/** The specs and references of an object, wherever they are written. */
function partsOf(kind: string, spec: unknown): Parts {
  const parts: Parts = { tasks: [], pipelines: [], references: [] };
  if (kind === 'Task') addTask(parts, 'spec', spec as TaskSpec);
  if (kind === 'Pipeline') addPipeline(parts, 'spec', spec as PipelineSpec);
  if (kind === 'TaskRun') {
    const { taskRef, taskSpec } = spec as TaskRunSpec;
    addReference(parts, 'spec.taskRef', taskRef);
    if (taskSpec) addTask(parts, 'spec.taskSpec', taskSpec);
  }
  if (kind === 'PipelineRun') {
    const { pipelineRef, pipelineSpec } = spec as PipelineRunSpec;
    addReference(parts, 'spec.pipelineRef', pipelineRef);
    if (pipelineSpec) addPipeline(parts, 'spec.pipelineSpec', pipelineSpec);
  }
  return parts;
}

function addPipeline(parts: Parts, path: string, pipeline: PipelineSpec): void {
  parts.pipelines.push({ path, part: pipeline });
  for (const section of ['tasks', 'finally'] as const)
    for (const [index, { taskRef, taskSpec }] of (pipeline[section] ?? []).entries()) {
      const at = `${path}.${section}[${index}]`;
      addReference(parts, `${at}.taskRef`, taskRef);
      if (taskSpec) addTask(parts, `${at}.taskSpec`, taskSpec);
    }
}

function addTask(parts: Parts, path: string, task: TaskSpec): void {
  parts.tasks.push({ path, part: task });
  for (const [index, { ref }] of (task.steps ?? []).entries()) addReference(parts, `${path}.steps[${index}].ref`, ref);
}

function addReference(parts: Parts, path: string, reference: StepActionRef | undefined): void {
  if (reference) parts.references.push({ path, part: reference });
}
