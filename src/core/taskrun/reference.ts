import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { reasons } from './reasons.ts';

/** Why a run's taskRef does not name a Task of its own namespace. Undefined: it does. */
export function refersElsewhere({ metadata, spec }: TaskRun): { reason: string; message: string } | undefined {
  const ref = spec.taskRef;
  const failure = (message: string) => ({ reason: reasons.resolutionFailed, message });
  if (ref === undefined)
    return failure(
      `taskRun ${metadata.name ?? ''} not providing TaskRef or TaskSpec; set spec.taskRef.name or spec.taskSpec`,
    );
  if (ref.resolver)
    return failure(
      `spec.taskRef.resolver: resolver ${JSON.stringify(ref.resolver)} is not supported yet; create the Task in the namespace and name it in spec.taskRef.name`,
    );
  if (ref.kind && ref.kind.toLowerCase() !== 'task')
    return failure(`spec.taskRef.kind: ${JSON.stringify(ref.kind)} is not supported; use "Task"`);
  if (!ref.name)
    return failure(
      `taskRun ${metadata.name ?? ''} not providing TaskRef or TaskSpec; set spec.taskRef.name or spec.taskSpec`,
    );
  return undefined;
}
