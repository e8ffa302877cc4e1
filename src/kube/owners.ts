import { joinKey } from './object.ts';
import type { KubeObject, OwnerReference } from './object.ts';
import type { Change, IndexFunction } from './store.ts';

type Owned = Pick<KubeObject, 'metadata'>;

/** Name of the index of stores that finds objects by the object that controls them (`controllerId`). */
export const byController = 'controller';

/** A controlling object: also by group and kind, since anybody can write a reference with a uid that he has read. */
export interface ControllerId {
  apiVersion: string;
  kind: string;
  uid: string | undefined;
}

/** The key of that index; versions of a group are the same object. */
export function controllerId({ apiVersion, kind, uid = '' }: ControllerId): string {
  const slash = apiVersion.indexOf('/');
  return `${slash === -1 ? '' : apiVersion.slice(0, slash)}/${kind}/${uid}`;
}

/** The index of that name. */
export const controllerIndex: IndexFunction<KubeObject> = (object) =>
  (object.metadata.ownerReferences ?? []).filter((owner) => owner.controller).map(controllerId);

/** The reference to the object that controls this one, when it is of the given kind. */
export function controllerOf({ metadata }: Owned, kind: string): OwnerReference | undefined {
  return metadata.ownerReferences?.find((reference) => reference.controller === true && reference.kind === kind);
}

/** The key of the object that controls this one, when it is of the given kind. */
export function controllerKey(object: Owned, kind: string): string | undefined {
  const owner = controllerOf(object, kind);
  return owner && joinKey(object.metadata.namespace, owner.name);
}

/** For feedQueue: the key of the controlling object of a kind, if any. */
export function ownerKeys(kind: string): (change: Change<KubeObject>) => string[] {
  return ({ object }) => {
    const key = controllerKey(object, kind);
    return key === undefined ? [] : [key];
  };
}
