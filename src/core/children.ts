import { labels } from './labels.ts';

const LONGEST_LABEL = 63;

/** Selects what was made for a PipelineRun; undefined for names that no label can hold: nothing was made for those. */
export function childSelector(pipelineRun: string): string | undefined {
  return selector(labels.pipelineRun, pipelineRun);
}

/** Selects the pods of a TaskRun; undefined for names that no label can hold. */
export function taskRunSelector(taskRun: string): string | undefined {
  return selector(labels.taskRun, taskRun);
}

function selector(label: string, value: string): string | undefined {
  return value.length > LONGEST_LABEL ? undefined : `${label}=${value}`;
}
