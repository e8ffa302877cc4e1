import type { OwnerReference } from '../../api/meta.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';

/** The controller reference that ties a child to its run. */
export function runReference(run: PipelineRun): OwnerReference {
  const { name = '', uid = '' } = run.metadata;
  return { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name, uid, controller: true, blockOwnerDeletion: true };
}

/** Whether an object is controlled by this very run (not by an earlier one of the same name). */
export function isOwnedBy(
  object: { metadata: { ownerReferences?: OwnerReference[] } },
  runUid: string | undefined,
): boolean {
  return (
    runUid !== undefined &&
    (object.metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === runUid)
  );
}
