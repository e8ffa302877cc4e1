import { provenanceFeatureFlags } from '../../api/config/feature-flags.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { Resolved } from '../reference/resolved.ts';
import { withVerdicts } from '../reference/verdict.ts';
import type { Settings } from '../settings.ts';

/** The status with the flags that the run began with. */
export function withProvenance(status: TaskRunStatus, { flags }: Settings): TaskRunStatus {
  if (!flags.enableProvenanceInStatus || status.provenance) return status;
  return { ...status, provenance: { featureFlags: provenanceFeatureFlags(flags) } };
}

/** The status with where the Task came from, and whether it and its StepActions are trusted, as resolvers said. */
export function withOrigin(
  status: TaskRunStatus,
  [task, ...actions]: readonly [Resolved<'Task'>, ...Resolved<'StepAction'>[]],
  { flags }: Settings,
  now: Date,
): TaskRunStatus {
  const refSource = task.kind === 'found' && flags.enableProvenanceInStatus ? task.refSource : undefined;
  const conditions = withVerdicts(status.conditions, [task, ...actions], now);
  return {
    ...status,
    ...(conditions ? { conditions } : {}),
    ...(refSource ? { provenance: { ...status.provenance, refSource } } : {}),
  };
}
