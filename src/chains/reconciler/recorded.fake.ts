import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { childRecord, formatChildren } from '../../core/digest/children.ts';
import { fieldRecord } from '../../core/digest/fields.ts';
import { fixedPart, recordAnnotations } from '../../core/digest/record.ts';

/** A TaskRun with the record that the controller keeps of it. */
export function recordedTaskRun(run: TaskRun): TaskRun {
  const { taskSpec } = run.status ?? {};
  return {
    ...run,
    status: {
      ...run.status,
      annotations: {
        [recordAnnotations.spec]: fieldRecord(fixedPart(run.spec)),
        ...(taskSpec ? { [recordAnnotations.resolvedSpec]: fieldRecord(taskSpec) } : {}),
      },
    },
  };
}

/** A PipelineRun with the record of it and of its children. */
export function recordedPipelineRun(run: PipelineRun, children: readonly (TaskRun | PipelineRun)[]): PipelineRun {
  const { pipelineSpec } = run.status ?? {};
  return {
    ...run,
    status: {
      ...run.status,
      annotations: {
        [recordAnnotations.spec]: fieldRecord(fixedPart(run.spec)),
        ...(pipelineSpec ? { [recordAnnotations.resolvedSpec]: fieldRecord(pipelineSpec) } : {}),
        [recordAnnotations.children]: formatChildren(children.map(childRecord)),
      },
    },
  };
}
