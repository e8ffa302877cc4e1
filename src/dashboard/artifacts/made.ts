import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { annotations as chains } from '../../chains/annotations.ts';
import { countHints, imagesToSign, type NamedResult } from '../../chains/artifacts/hints.ts';
import { labels } from '../../core/labels.ts';
import type { KubeObject } from '../../resource.ts';
import type { ArtifactRun, ImageAttestation } from '../contract.ts';
import { provenanceOf, type TrustedKey } from '../provenance/attestation.ts';
import { cut } from '../runs/cut.ts';
import { indexed } from '../runs/summary.ts';

/** No object of the API server's can have it. */
const isRead = Symbol('read');

/** A run as the index of images keeps it: what it made, and nothing of one that made none. */
export interface Maker extends KubeObject {
  [isRead]: true;
  run?: Omit<ArtifactRun, 'attestation'>;
  images: readonly MadeImage[];
}

export interface MadeImage {
  name: string;
  digest: string;
  attestation?: ImageAttestation;
}

/** As many as Chains signs of one run; of one that names more it signs none. */
const MOST_IMAGES = 256;
const LONGEST_NAME = 400;
const LONGEST_LOG = 500;

/**
 * What a run made, by Chains' own reading of its results. Where a statement is kept with the run, it is verified here:
 * once for each change of the run, not for each reader.
 */
export function makerOf(object: PipelineRun | TaskRun | Maker, trusted: TrustedKey | undefined): Maker {
  if (isRead in object) return object;
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = object.metadata;
  const own = { [isRead]: true as const, metadata: { name, namespace, uid, resourceVersion } };
  const images = imagesIn(resultsOf(object));
  if (images.length === 0) return { ...own, images };
  const attested = attestationsOf(object, trusted);
  return {
    ...own,
    run: runOf(object),
    images: images.map((image) => {
      const attestation = attested.get(image.digest);
      return attestation === undefined ? image : { ...image, attestation };
    }),
  };
}

/** Results are what a pod, or whoever may write a status, says: nothing is believed to have a form. */
function resultsOf({ status }: PipelineRun | TaskRun): NamedResult[] {
  const results: unknown = status?.results;
  return (Array.isArray(results) ? results : []).filter(
    (each: { name?: unknown; value?: unknown } | null): each is NamedResult =>
      typeof each?.name === 'string' && each.value !== undefined && each.value !== null,
  );
}

function imagesIn(results: readonly NamedResult[]): MadeImage[] {
  if (results.length === 0 || countHints(results) > MOST_IMAGES) return [];
  return imagesToSign(results, () => undefined).map(({ repository, digest }) => ({
    name: cut(repository, LONGEST_NAME),
    digest: cut(digest, LONGEST_NAME),
  }));
}

function runOf(object: PipelineRun | TaskRun): Omit<ArtifactRun, 'attestation'> {
  const { kind, namespace, name, definition, created, finished, signed } = indexed(object).run;
  const parent = cut(object.metadata.labels?.[labels.pipelineRun], LONGEST_NAME);
  return {
    kind,
    namespace,
    name,
    ...(kind === 'TaskRun' && parent !== '' ? { pipelineRun: parent } : {}),
    ...(definition === undefined ? {} : { definition }),
    at: finished ?? created,
    signed,
  };
}

/** By the digests that a statement names. */
function attestationsOf(
  object: PipelineRun | TaskRun,
  trusted: TrustedKey | undefined,
): ReadonlyMap<string, ImageAttestation> {
  if (object.metadata.annotations?.[chains.signed] === undefined) return new Map();
  const { attestations } = provenanceOf(object, trusted);
  return new Map(
    attestations.flatMap(({ subjects, builder, verification, transparencyLog }) => {
      const attestation = {
        ...(builder === undefined ? {} : { builder: cut(builder, LONGEST_NAME) }),
        verification,
        ...(transparencyLog === undefined ? {} : { log: cut(transparencyLog.url, LONGEST_LOG) }),
      };
      return subjects.map(({ digest }): [string, ImageAttestation] => [cut(digest, LONGEST_NAME), attestation]);
    }),
  );
}
