import type { ObjectMeta } from '../../kube/object.ts';
import { annotations } from '../annotations.ts';
import type { Seal } from './seal.ts';

/** How far Chains itself has come with a run, as its sealed annotation says. */
export type Mark =
  /** Chains has not concluded any attempt, or somebody else wrote or took what is there. */
  | { kind: 'none' }
  | { kind: 'signed' }
  /** The last attempt was the last one. */
  | { kind: 'failed' }
  /** `attempts` have failed; the next is due at `next`. */
  | { kind: 'again'; attempts: number; next: Date };

/** Longer ones were not written here; they are neither read nor kept in memory. */
export const LONGEST_MARK = 128;

type Marked = Pick<ObjectMeta, 'uid' | 'annotations'>;

/** The mark of a run. Marks that users write, or copy from other runs, are none. */
export function markOf({ uid = '', annotations: found }: Marked, seal: Seal): Mark {
  const sealed = found?.[annotations.mark];
  if (sealed === undefined || sealed.length > LONGEST_MARK) return { kind: 'none' };
  return readMark(seal.open('mark', uid, sealed));
}

/** What the seal holds; undefined: it is not ours, or another run's. */
function readMark(text: string | undefined): Mark {
  const [kind, attempts, next] = text?.split(' ') ?? [];
  if (kind === 'signed' || kind === 'failed') return { kind };
  if (kind === 'again') return { kind, attempts: Number(attempts), next: new Date(next ?? '') };
  return { kind: 'none' };
}

/** The value of the annotation. */
export function writeMark(mark: Exclude<Mark, { kind: 'none' }>, uid: string, seal: Seal): string {
  const text = mark.kind === 'again' ? `again ${mark.attempts} ${mark.next.toISOString()}` : mark.kind;
  return seal.stamp('mark', uid, text);
}
