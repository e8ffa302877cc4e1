import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';

/**
 * A finished run. `apiVersion` and `kind` are always set (lists of the API server leave them out on items: whoever
 * reads a run fills them in), because they are part of keys and statements.
 */
export type RunObject = TaskRun | PipelineRun;

/** The types of things that are signed; each has its own format, signer and storage settings. */
export type ArtifactKind = 'taskrun' | 'pipelinerun' | 'oci';

/** An image that a payload speaks of, named as go-containerregistry's NewDigest names it. */
export interface ImageSubject {
  /** Registry and path without tag: `ghcr.io/a/b`; `busybox` is `index.docker.io/library/busybox`. */
  repository: string;
  /** `sha256:` and 64 lower-case hex digits. */
  digest: string;
}

export const inTotoPayloadType = 'application/vnd.in-toto+json';
export const simpleSigningPayloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** Bytes to be signed. */
export interface Payload {
  /**
   * Exactly what is signed (raw for simplesigning, the body of a DSSE envelope for statements); the same run gives the
   * same bytes.
   */
  json: Uint8Array;
  payloadType: typeof inTotoPayloadType | typeof simpleSigningPayloadType;
  /** predicateType of an in-toto statement; not set for simplesigning. */
  predicateType?: string;
  /** True for what is signed as a DSSE envelope. */
  wrap: boolean;
  /** Images among the subjects of the payload, without repetition; other subjects are only in `json`. */
  subjects: ImageSubject[];
}

/** One thing to be signed and stored: the attestation of a run, or the signature of one image. */
export interface Artifact {
  kind: ArtifactKind;
  /** `taskrun-<uid>`, `pipelinerun-<uid>`, or the first 12 hex digits of the image's digest. */
  shortKey: string;
  /** `tekton.dev-v1-TaskRun-<uid>`, or `<repository>@<digest>`. */
  fullKey: string;
  payload: Payload;
}

/** Where signed payloads are kept: what the storage settings of an artifact may name. */
export const backendNames = ['tekton', 'oci', 'gcs', 'docdb', 'grafeas', 'archivista', 'pubsub', 'kafka'] as const;
export type BackendName = (typeof backendNames)[number];

/** A thing that was left out of a payload, or a payload that could not be made; the rest is signed all the same. */
export interface FormatProblem {
  /** The result, image or run it is about, as a user knows it: `result IMAGE_URL`. */
  subject: string;
  message: string;
  /** What was left out should have been signed: the run is not marked as signed. */
  refused?: true;
}

/** `slsa/v1` is upstream's other name of `in-toto`. */
export type StatementFormat = 'in-toto' | 'slsa/v1' | 'slsa/v2alpha3' | 'slsa/v2alpha4';

/** The part of the settings that decides what payloads say (chains-config; see chains.md 1.1). */
export interface FormatSettings {
  /** builder.id */
  builderId: string;
  /** builddefinition.buildtype */
  buildType: string;
  /** A type that is not enabled gives no artifacts. */
  taskrun: { enabled: boolean; format: StatementFormat };
  pipelinerun: { enabled: boolean; format: StatementFormat; deepInspection: boolean };
  /** Image signatures; the only format is simplesigning. */
  oci: { enabled: boolean };
}
