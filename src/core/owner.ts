import type { ObjectMeta, OwnerReference } from '../api/meta.ts';

/** Kinds of runs that make objects of their own. */
export type RunKind = 'TaskRun' | 'PipelineRun';

const apiVersion = 'tekton.dev/v1';

/** The controller reference that ties an object to the run that makes it. */
export function runReference(kind: RunKind, { name = '', uid = '' }: ObjectMeta): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/**
 * Whether an object is controlled by this very run: of its kind, by its uid, so that neither an earlier run of the same
 * name counts nor an object of another kind that is given out for it.
 */
export function isControlledBy(
  { metadata }: { metadata: Pick<ObjectMeta, 'ownerReferences'> },
  kind: RunKind,
  uid: string | undefined,
): boolean {
  if (!uid) return false;
  return (metadata.ownerReferences ?? []).some(
    (owner) =>
      owner.controller === true &&
      owner.uid === uid &&
      owner.kind === kind &&
      owner.apiVersion.startsWith('tekton.dev/'),
  );
}
