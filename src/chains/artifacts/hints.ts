import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import type { FormatProblem, ImageSubject } from '../types.ts';
import { parseDigest, type Digest } from './digest.ts';
import { InvalidImageDigestError, parseImageDigest, schemedSubject } from './image.ts';
import type { DigestedThing } from './merge.ts';

/**
 * Type hints: results whose names say that they name an artifact (docs/slsa-provenance.md of Tekton Chains,
 * "Type Hinting"). Names are matched by their end; values of the text hints are trimmed.
 */
export interface NamedResult {
  name: string;
  value: ParamValue;
}

/** Where a hint that cannot be used is told; nothing about it stops the others. */
export type Report = (problem: FormatProblem) => void;

const outputsSuffix = 'ARTIFACT_OUTPUTS';
const inputsSuffix = 'ARTIFACT_INPUTS';

/**
 * How many things the results name as built, before any of it is read: each `*IMAGE_URL`, `*ARTIFACT_URI` (or what they
 * are paired with), `*ARTIFACT_OUTPUTS`, and what `IMAGES` lists.
 */
export function countHints(results: readonly NamedResult[]): number {
  const ending = (suffix: string) => results.filter(({ name }) => name.endsWith(suffix)).length;
  const listed = results.filter(({ name }) => name === 'IMAGES').map(({ value }) => imageList(value).length);
  return (
    Math.max(ending('IMAGE_URL'), ending('IMAGE_DIGEST')) +
    Math.max(ending('ARTIFACT_URI'), ending('ARTIFACT_DIGEST')) +
    ending(outputsSuffix) +
    listed.reduce((sum, count) => sum + count, 0)
  );
}

/** `*IMAGE_URL` with `*IMAGE_DIGEST`, then `IMAGES`. */
export function imagesFromHints(results: readonly NamedResult[], report: Report): ImageSubject[] {
  return imageTexts(results, report).flatMap(({ name, text }) => image(text, `result ${name}`, report) ?? []);
}

/** Subjects of the same; also what only upstream takes for an image. */
export function imageSubjects(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return imageTexts(results, report).flatMap(({ name, text }) => {
    const found = image(text, `result ${name}`, report);
    return (found ? imageAsThing(found) : schemedSubject(text)) ?? [];
  });
}

function imageTexts(results: readonly NamedResult[], report: Report): { name: string; text: string }[] {
  const pairs = pairsOf(results, 'IMAGE_URL', 'IMAGE_DIGEST', report).map(({ name, location, digest }) => ({
    name,
    text: `${location}@${digest}`,
  }));
  const listed = results
    .filter(({ name }) => name === 'IMAGES')
    .flatMap(({ name, value }) => imageList(value).map((text) => ({ name, text })));
  return [...pairs, ...listed];
}

/** Names of the results that speak of images; they are no by-products. */
export function isImageHint(name: string): boolean {
  return name.endsWith('IMAGE_URL') || name.endsWith('IMAGE_DIGEST') || name === 'IMAGES';
}

/** Only text counts, as upstream has it: names with digests between commas or line ends. */
function imageList(value: ParamValue): string[] {
  if (typeof value !== 'string') return [];
  return (value.match(/[^\n,\s][^\n,]*/g) ?? []).map((entry) => entry.trimEnd());
}

function image(text: string, subject: string, report: Report): ImageSubject | undefined {
  try {
    return parseImageDigest(text);
  } catch (error) {
    if (!(error instanceof InvalidImageDigestError)) throw error;
    report({ subject, message: `not taken as an image: ${error.message}` });
    return undefined;
  }
}

/** An image as a subject of a statement. */
export function imageAsThing({ repository, digest }: ImageSubject): DigestedThing {
  return { name: repository, digest: { sha256: digest.slice('sha256:'.length) } };
}

/** `*ARTIFACT_URI` with `*ARTIFACT_DIGEST`. */
export function artifactsFromPairs(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return pairsOf(results, 'ARTIFACT_URI', 'ARTIFACT_DIGEST', report).flatMap(({ name, location, digest }) => {
    const parsed = parseDigest(digest);
    if (!parsed) report(badDigest(name, digest));
    return parsed ? [thing(location, parsed)] : [];
  });
}

/** Every well-formed `*ARTIFACT_OUTPUTS`. */
export function outputArtifacts(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return structured(results, outputsSuffix, report).map(({ artifact }) => artifact);
}

/** Every well-formed `*ARTIFACT_INPUTS`. */
export function inputArtifacts(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return structured(results, inputsSuffix, report).map(({ artifact }) => artifact);
}

/** Those of the outputs that say `isBuildArtifact: "true"`. */
export function buildArtifacts(results: readonly NamedResult[], report: Report): DigestedThing[] {
  return structured(results, outputsSuffix, report).flatMap(({ artifact, marked }) => (marked ? [artifact] : []));
}

/** Build artifacts that name an image, under its normalised name: beside the artifact it is a second subject. */
export function builtImages(results: readonly NamedResult[], report: Report): ImageSubject[] {
  return buildArtifacts(results, report).flatMap(({ name, digest }) => {
    try {
      return [parseImageDigest(`${name}@sha256:${digest['sha256'] ?? ''}`)];
    } catch (error) {
      // A package or a file: attested, but nothing to sign in a registry.
      if (error instanceof InvalidImageDigestError) return [];
      throw error;
    }
  });
}

/** Images to sign: those of the image hints, and build artifacts that name an image. */
export function imagesToSign(results: readonly NamedResult[], report: Report): ImageSubject[] {
  const all = [...imagesFromHints(results, report), ...builtImages(results, report)];
  return [...new Map(all.map((entry) => [`${entry.repository}@${entry.digest}`, entry])).values()];
}

/**
 * Whether a result belongs to the by-products of slsa/v2alpha4: not what names a subject, and (upstream's habit) not an
 * `*ARTIFACT_OUTPUTS` that is malformed: no object, or marked as build artifact without a usable uri and digest.
 */
export function isByProduct({ name, value }: NamedResult): boolean {
  if (isImageHint(name)) return false;
  if (!name.endsWith(outputsSuffix)) return true;
  return isObject(value) && own(value, 'isBuildArtifact') !== 'true';
}

interface Structured {
  artifact: DigestedThing;
  marked: boolean;
}

function structured(results: readonly NamedResult[], suffix: string, report: Report): Structured[] {
  return results.flatMap(({ name, value }) => {
    if (!name.endsWith(suffix)) return [];
    const fault = (message: string) => {
      report({ subject: `result ${name}`, message: `left out: ${message}` });
      return [];
    };
    if (!isObject(value)) return fault('must be an object with uri and digest');
    const uri = own(value, 'uri');
    const digest = own(value, 'digest');
    if (!uri) return fault('has no uri');
    if (!digest) return fault('has no digest');
    const parsed = parseDigest(digest);
    if (!parsed) return fault(badDigest(name, digest).message);
    return [{ artifact: thing(uri, parsed), marked: own(value, 'isBuildArtifact') === 'true' }];
  });
}

interface Pair {
  /** Of the result with the location. */
  name: string;
  location: string;
  digest: string;
}

/** Pairs of results that share what stands before the endings. The last result of a name counts. */
function pairsOf(
  results: readonly NamedResult[],
  locationSuffix: string,
  digestSuffix: string,
  report: Report,
): Pair[] {
  const found = new Map<string, { location?: string; digest?: string }>();
  for (const { name, value } of results) {
    const suffix = [locationSuffix, digestSuffix].find((candidate) => name.endsWith(candidate));
    const text = typeof value === 'string' ? value.trim() : '';
    if (suffix === undefined || text === '') continue;
    const prefix = name.slice(0, -suffix.length);
    found.set(prefix, { ...found.get(prefix), [suffix === locationSuffix ? 'location' : 'digest']: text });
  }
  return [...found].flatMap(([prefix, { location, digest }]) => {
    const name = prefix + locationSuffix;
    if (location !== undefined && digest !== undefined) return [{ name, location, digest }];
    const [present, missing] = location === undefined ? [prefix + digestSuffix, name] : [name, prefix + digestSuffix];
    report({ subject: `result ${present}`, message: `left out: no result ${missing} beside it` });
    return [];
  });
}

function badDigest(name: string, digest: string): FormatProblem {
  return {
    subject: `result ${name}`,
    message: `digest ${JSON.stringify(digest)} must be sha256:, sha384:, sha512: or sha1: and that many lower-case hex digits`,
  };
}

function thing(name: string, { algorithm, hex }: Digest): DigestedThing {
  return { name, digest: { [algorithm]: hex } };
}

function isObject(value: ParamValue): value is Record<string, string> {
  return typeof value === 'object' && !Array.isArray(value);
}

function own(value: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
