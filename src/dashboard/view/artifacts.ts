import type { ArtifactPage, ArtifactRun, BuiltImage, Signed } from '../contract.ts';

/** An image of one run. */
export interface Made {
  name: string;
  digest: string;
  run: ArtifactRun;
}

export interface ArtifactQuestion {
  /** Undefined: in all. */
  namespaces: readonly string[] | undefined;
  /** In lower case; empty: any. */
  text: string;
  /** Undefined: all. */
  signed: ReadonlySet<Signed> | undefined;
  limit: number;
}

/** A line tells no more of the runs that made one image. */
const MOST_RUNS = 5;

/** Images by name and digest, those that were made last first. */
export function imagesOf(
  made: Iterable<Made>,
  { namespaces, text, signed, limit }: ArtifactQuestion,
): Omit<ArtifactPage, 'missing'> {
  const groups = Map.groupBy(
    [...made].filter(({ run }) => namespaces === undefined || namespaces.includes(run.namespace)),
    ({ name, digest }) => `${name}@${digest}`,
  );
  const counts: Record<Signed, number> = { yes: 0, failed: 0, no: 0 };
  const found: BuiltImage[] = [];
  for (const group of groups.values()) {
    const image = imageOf(group);
    if (!hasText(group, text)) continue;
    counts[image.signed] += 1;
    if (signed === undefined || signed.has(image.signed)) found.push(image);
  }
  return { items: found.sort(compareAges).slice(0, limit), total: found.length, counts };
}

function imageOf(group: readonly Made[]): BuiltImage {
  const runs = group.map(({ run }) => run).toSorted(compareAges);
  const [{ name, digest } = { name: '', digest: '' }] = group;
  return {
    name,
    digest,
    at: runs[0]?.at ?? '',
    signed: signedOf(runs),
    runs: runs.slice(0, MOST_RUNS),
    moreRuns: Math.max(0, runs.length - MOST_RUNS),
  };
}

/** A signature is one of the image, whichever of its runs had it made; a failure of one that no other made good. */
function signedOf(runs: readonly ArtifactRun[]): Signed {
  if (runs.some(({ signed }) => signed === 'yes')) return 'yes';
  return runs.some(({ signed }) => signed === 'failed') ? 'failed' : 'no';
}

function hasText(group: readonly Made[], text: string): boolean {
  if (text === '') return true;
  return group.some(({ name, digest, run }) =>
    [name, digest, `${name}@${digest}`, run.name, run.pipelineRun ?? '', run.definition ?? ''].some((each) =>
      each.toLowerCase().includes(text),
    ),
  );
}

/** The newest first. A run of several tasks comes before those, which ended earlier. */
function compareAges(one: { at: string; name: string }, other: { at: string; name: string }): number {
  if (one.at !== other.at) return one.at > other.at ? -1 : 1;
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

/** What is to be said of the statement about an image. */
export interface AttestedText {
  kind: 'verified' | 'unverified' | 'none';
  word: string;
  /** By whom, or why not. */
  text: string;
  /** The run that the statement is kept with. */
  run?: ArtifactRun;
}

/** Of the runs that made an image, the one whose statement says most. */
export function attestedText(runs: readonly ArtifactRun[]): AttestedText {
  const best =
    runs.find(({ attestation }) => attestation?.verification.verified) ?? runs.find((run) => run.attestation);
  if (best?.attestation === undefined) {
    const isSigned = runs.some(({ signed }) => signed === 'yes');
    const text = isSigned ? 'Chains keeps the statement elsewhere: the page of the run says where to look' : '';
    return { kind: 'none', word: isSigned ? 'not kept with the run' : 'no', text };
  }
  const { builder = 'a builder that it does not name', verification } = best.attestation;
  if (verification.verified)
    return { kind: 'verified', word: 'verified', text: `by ${builder}, against ${verification.against}`, run: best };
  return { kind: 'unverified', word: 'not verified', text: `names ${builder}; ${verification.why}`, run: best };
}

/** `sha256:0123456789ab`: enough to tell images apart at a glance. */
export function shortDigest(digest: string): string {
  const [, algorithm, hex] = /^(\w{1,20}):([0-9a-f]{13,})$/.exec(digest) ?? [];
  return algorithm === undefined || hex === undefined ? digest : `${algorithm}:${hex.slice(0, 12)}`;
}

/** Where the statement about an image is logged; only an address that a browser may be led to. */
export function logOf(runs: readonly ArtifactRun[]): string | undefined {
  const logs = runs.flatMap(({ attestation }) => attestation?.log ?? []);
  return logs.find((log) => URL.canParse(log) && /^https?:$/.test(new URL(log).protocol));
}
