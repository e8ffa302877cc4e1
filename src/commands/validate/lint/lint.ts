import type { PipelineSpec } from '../../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../../api/pipeline/v1/taskrun.ts';
import type { EventListenerSpec, TriggerSpec, TriggerTemplateSpec } from '../../../api/triggers/spec.ts';
import type { Filed, Look } from '../references.ts';
import { amongFiles, referenceAmongFiles, type Files } from './files.ts';
import { namingAdvice } from './naming.ts';
import { annotationsOf, disabledIn, objectAdvice, removedAdvice, versionAdvice } from './object.ts';
import { partsOf, templated, type Subject } from './parts.ts';
import { pipelineAdvice } from './pipeline.ts';
import { referenceAdvice } from './reference.ts';
import type { LintRule } from './rules.ts';
import { pipelineRunAdvice, taskRunAdvice, timeoutAdvice } from './run.ts';
import { stepActionAdvice, taskAdvice, type StepActionParts } from './task.ts';
import { listenerAdvice, templateAdvice, triggerAdvice, type Others } from './trigger.ts';
import type { Advice } from './wording.ts';

/** What the user asks of the rules. */
export interface LintOptions {
  /** Rules that are left out. */
  disabled: ReadonlySet<LintRule>;
}

/**
 * What works, and could be better.
 * @param given the object as it was written: without defaults, and of its version
 * @param look the definitions that the object may refer to
 */
export function lint(
  object: Filed,
  given: Record<string, unknown>,
  { files, look, options }: { files: Files; look: Look; options: LintOptions },
): Advice[] {
  const { kind, spec } = object;
  const subjects: Subject[] = [{ kind, spec, at: 'spec', written: given['spec'] }, ...templated(kind, spec)];
  return enabled(given, options, [
    ...objectAdvice(given),
    ...amongFiles(object, files),
    ...ofKind(kind, spec, { files, look }),
    ...subjects.flatMap((subject) => ofSubject(subject, files, look)),
  ]);
}

/** What to say of an object that is of no kind of ours. */
export function lintForeign(given: Record<string, unknown>, options: LintOptions): Advice[] {
  return enabled(given, options, removedAdvice(given));
}

/** Without what the command line, or the object itself, leaves out. */
function enabled(given: Record<string, unknown>, { disabled }: LintOptions, found: Advice[]): Advice[] {
  const own = new Set<string>(disabledIn(annotationsOf(given)));
  return found.filter(({ rule }) => !disabled.has(rule) && !own.has(rule));
}

function ofSubject(subject: Subject, files: Files, look: Look): Advice[] {
  const { tasks, pipelines, references } = partsOf(subject);
  return [
    ...tasks.flatMap(({ path, part }) => taskAdvice(part, path)),
    ...pipelines.flatMap(({ path, part }) => pipelineAdvice(part, path)),
    ...references.flatMap(({ path, part }) => [
      ...referenceAdvice(part.ref, path),
      ...referenceAmongFiles(part, path, files, look),
    ]),
    ...timeoutAdvice(subject.kind, subject.written, subject.at),
    ...ofRun(subject, look),
  ];
}

function ofRun(subject: Subject, look: Look): Advice[] {
  const { kind, spec, at } = subject;
  if (kind === 'TaskRun') {
    const run = spec as TaskRunSpec;
    const task = run.taskSpec ?? (look('Task', run.taskRef?.name)?.spec as TaskSpec | undefined);
    return taskRunAdvice(run, at, task);
  }
  if (kind !== 'PipelineRun') return [];
  const { pipelineRef, pipelineSpec } = spec as PipelineRunSpec;
  const pipeline = pipelineSpec ?? (look('Pipeline', pipelineRef?.name)?.spec as PipelineSpec | undefined);
  return pipelineRunAdvice(
    subject,
    pipeline,
    (task) => task.taskSpec ?? (look('Task', task.taskRef?.name)?.spec as TaskSpec | undefined),
  );
}

/** What only this kind has. */
function ofKind(kind: string, spec: unknown, others: Others): Advice[] {
  switch (kind) {
    case 'Task':
    case 'Pipeline':
      return namingAdvice(kind, spec as TaskSpec | PipelineSpec);
    case 'StepAction':
      return [...namingAdvice(kind, spec as TaskSpec), ...stepActionAdvice(spec as StepActionParts, 'spec')];
    case 'EventListener':
      return listenerAdvice(spec as EventListenerSpec, others);
    case 'Trigger':
      return triggerAdvice(spec as TriggerSpec, 'spec', others);
    case 'TriggerTemplate':
      return [
        ...templateAdvice(spec as TriggerTemplateSpec),
        ...((spec as TriggerTemplateSpec).resourcetemplates ?? []).flatMap((object, index) =>
          versionAdvice(object, `spec.resourcetemplates[${index}].apiVersion`),
        ),
      ];
    default:
      return [];
  }
}
