import type { ObjectMeta } from '../../api/meta.ts';
import { onceFor } from '../../memo.ts';
import { fixedPart, shortDigestOf } from './record.ts';

/** What a PipelineRun records of a child it made. */
export interface ChildRecord {
  name: string;
  /** `compactUid` of its uid. */
  uid: string;
  /** Of its spec as the API server gave it back, without status and statusMessage. */
  spec: string;
}

/** Objects of the caches do not change in place; a run with thousands of children looks at all of them every time. */
const fixedDigest = onceFor((spec: object) => shortDigestOf(fixedPart(spec)));

/** The record of a child as the API server has it. */
export function childRecord({ metadata, spec }: { metadata: ObjectMeta; spec: object }): ChildRecord {
  return { name: metadata.name ?? '', uid: compactUid(metadata.uid ?? ''), spec: fixedDigest(spec) };
}

/** One text for all children, `name uid digest` each: some 105 bytes a child, since a matrix may have hundreds. */
export function formatChildren(children: readonly ChildRecord[]): string {
  return children.map(({ name, uid, spec }) => `${name} ${uid} ${spec}`).join(',');
}

/** Undefined for a text that `formatChildren` did not write. */
export function parseChildren(text: string | undefined): Map<string, ChildRecord> | undefined {
  const children = new Map<string, ChildRecord>();
  for (const entry of text ? text.split(',') : []) {
    const [name, uid, spec, ...more] = entry.split(' ');
    if (!name || !uid || !spec || more.length > 0) return undefined;
    children.set(name, { name, uid, spec });
  }
  return children;
}

/** The 16 bytes of an RFC 4122 uid in 22 characters; any other as it is. */
export function compactUid(uid: string): string {
  const hex = uid.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(hex) && uid.length === 36 ? Buffer.from(hex, 'hex').toString('base64url') : uid;
}
