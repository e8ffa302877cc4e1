import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { TooLargeError } from '../budget.ts';
import { runReference } from '../owner.ts';
import { buildPod } from '../pod/build.ts';
import type { ImageConfig } from '../pod/image.ts';
import type { NewPod } from '../pod/types.ts';
import { replaceInTurn } from '../substitution/replacements.ts';
import { bindAttempt, claimName, runValues } from './bind.ts';
import type { BoundTask } from './bound.ts';
import type { NewClaim, TaskRunEffect, TaskRunFacts } from './facts.ts';
import type { StartFacts } from './lookups.ts';
import { timeoutMs } from './timeout.ts';

/** The pod and the claims that it needs, or why they cannot be made. */
export function objectsFor(
  facts: TaskRunFacts,
  taskRun: TaskRun,
  bound: BoundTask,
  found: StartFacts,
): { pod: NewPod; claims: TaskRunEffect[] } | { tooLarge: string } {
  try {
    return { claims: claims(facts.taskRun, bound.spec), pod: podFor(facts, taskRun, bound, found) };
  } catch (error) {
    if (error instanceof TooLargeError) return { tooLarge: error.message };
    throw error;
  }
}

function podFor(
  { settings }: TaskRunFacts,
  taskRun: TaskRun,
  { task, spec, workspaces }: BoundTask,
  found: StartFacts,
) {
  const template = taskRun.spec.podTemplate;
  const values = runValues(taskRun, spec, task.name);
  const images = new Map(
    [...found.images].flatMap(([image, fact]): [string, ImageConfig][] =>
      fact.kind === 'found' ? [[image, fact.config]] : [],
    ),
  );
  return buildPod({
    taskRun: template
      ? { ...taskRun, spec: { ...taskRun.spec, podTemplate: replaceInTurn(template, values) } }
      : taskRun,
    spec: bindAttempt(taskRun, spec),
    workspaces,
    secrets: found.secrets,
    limitRanges: found.limitRanges,
    images,
    nativeSidecarsMissing: found.nativeSidecarsMissing ?? false,
    ...(found.groupNode === undefined ? {} : { groupNode: found.groupNode }),
    timeoutMs: timeoutMs(taskRun),
    settings,
  });
}

/** A claim for each volumeClaimTemplate, owned by the run so that it goes with it. */
function claims(taskRun: TaskRun, spec: TaskSpec): TaskRunEffect[] {
  const values = runValues(taskRun, spec, '');
  return (taskRun.spec.workspaces ?? []).flatMap((binding): TaskRunEffect[] => {
    if (!binding.volumeClaimTemplate) return [];
    const template = replaceInTurn(binding.volumeClaimTemplate, values);
    const { namespace = '' } = taskRun.metadata;
    const claim: NewClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...template.metadata,
        name: claimName(taskRun, binding),
        namespace,
        ownerReferences: [runReference('TaskRun', taskRun.metadata)],
      },
      spec: template.spec ?? {},
    };
    return [{ type: 'createPersistentVolumeClaim', claim }];
  });
}
