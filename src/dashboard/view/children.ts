import { labels } from '../../core/labels.ts';

const LONGEST_LABEL = 63;

/** Selects what was made for a PipelineRun; undefined for names that no label can hold. */
export function childSelector(name: string): string | undefined {
  return name.length > LONGEST_LABEL ? undefined : `${labels.pipelineRun}=${name}`;
}
