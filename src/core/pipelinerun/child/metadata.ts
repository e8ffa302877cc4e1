import type { ObjectMeta } from '../../../api/meta.ts';
import type { EmbeddedMetadata } from '../../../api/meta.ts';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import { annotations, isPropagatedAnnotation, labels } from '../../labels.ts';
import { runReference } from '../../owner.ts';
import type { Settings } from '../../settings.ts';
import type { Definition } from '../../reference/resolved.ts';
import type { PipelineSource } from '../types.ts';

type Strings = Record<string, string>;
type Metadata = { labels: Strings; annotations: Strings };

/**
 * The labels and annotations a run should have: its own, its Pipeline's, and `tekton.dev/pipeline`. The run's own win,
 * but the pipeline label is always the Pipeline's name.
 */
export function runMetadata(run: PipelineRun, pipeline: PipelineSource): Metadata {
  const { labels: own = {}, annotations: marks = {} } = run.metadata;
  const named =
    pipeline.metadata === undefined
      ? { [labels.pipeline]: own[labels.pipeline] ?? pipelineLabel(run) }
      : { [labels.pipeline]: pipeline.name };
  return {
    labels: { ...pipeline.metadata?.labels, ...own, ...named },
    annotations: { ...propagated(pipeline.metadata?.annotations), ...marks },
  };
}

/** Name and owner of what a PipelineRun makes. */
export function ownedMetadata(name: string, { metadata }: PipelineRun) {
  const { namespace = '' } = metadata;
  return { name, namespace, ownerReferences: [runReference('PipelineRun', metadata)] };
}

/** An embedded pipeline has no name; the run's generateName groups its runs, else the run's own name does. */
export function pipelineLabel(run: Pick<PipelineRun, 'metadata'>): string {
  const base = run.metadata.generateName?.replace(/-+$/, '') || (run.metadata.name ?? '');
  return base.slice(0, 63).replace(/[^a-zA-Z0-9]+$/, '');
}

/** The entries of `wanted` that `present` lacks or has otherwise. */
export function missingEntries(wanted: Strings, present: Strings | undefined): Strings {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => present?.[key] !== value));
}

export interface ChildOrigin {
  run: PipelineRun;
  /** Labels and annotations of the run, as runMetadata has them. */
  metadata: Metadata;
  pipelineTask: string;
  section: 'tasks' | 'finally';
  taskRunSpec?: EmbeddedMetadata | undefined;
  embedded?: EmbeddedMetadata | undefined;
  task?: Definition<'Task'> | undefined;
}

/**
 * Labels and annotations of a new child, complete, so that nobody has to patch it afterwards. The nearer wins:
 * taskRunSpecs, then the run, then the embedded task's metadata, then the Task's.
 */
export function childMetadata(origin: ChildOrigin, settings: Settings): Metadata {
  const { run, metadata, pipelineTask, section, taskRunSpec, embedded, task } = origin;
  const identity: Strings = {
    [labels.pipelineRun]: run.metadata.name ?? '',
    [labels.pipelineRunUID]: run.metadata.uid ?? '',
    [labels.pipelineTask]: pipelineTask,
    [labels.memberOf]: section,
  };
  return {
    labels: {
      ...task?.metadata.labels,
      ...embedded?.labels,
      ...metadata.labels,
      ...taskRunSpec?.labels,
      ...identity,
      ...(task === undefined ? {} : { [labels.task]: task.name }),
    },
    annotations: {
      ...propagated(task?.metadata.annotations),
      ...embedded?.annotations,
      ...propagated(metadata.annotations),
      ...taskRunSpec?.annotations,
      [annotations.release]: settings.release,
    },
  };
}

function propagated(all: ObjectMeta['annotations']): Strings {
  return Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => isPropagatedAnnotation(name)));
}
