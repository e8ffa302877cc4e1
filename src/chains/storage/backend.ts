import type { ChainsConfig } from '../config/settings.ts';
import type { Signature } from '../signing/signer.ts';
import type { LogEntry } from '../log-entry.ts';
import type { Artifact, BackendName, RunObject } from '../types.ts';

/** One signed artifact of a finished run, with all that a backend may write down beside it. */
export interface StoreRequest {
  run: RunObject;
  artifact: Artifact;
  signature: Signature;
  /** Absent when transparency is off, or when the upload failed (storage goes on without, as upstream). */
  logEntry?: LogEntry;
  /** DER of an RFC 3161 TimeStampResponse over the signature bytes: what `.sig` layers and bundles carry. */
  timestamp?: Uint8Array;
  /** The same over the bytes of the envelope (envelopeJson): cosign checks that of an `.att` layer so. */
  envelopeTimestamp?: Uint8Array;
  config: ChainsConfig;
}

/** A place where signed payloads are kept. */
export interface StorageBackend {
  readonly name: BackendName;
  /**
   * Why this payload cannot be stored here (too large, not an image), known before anything is written. Trying again
   * cannot help: the caller goes to the next backend, or fails the artifact with this text.
   */
  refuses?(request: StoreRequest): string | undefined;
  /**
   * Stores, or finds that it is already stored: the same payload signed by the same key never leaves a second copy.
   * @throws StorageError, or another error that the caller names backend and artifact around.
   */
  store(request: StoreRequest, signal: AbortSignal): Promise<void>;
}

/** A failure to store: the message names backend, artifact and the way out. */
export class StorageError extends Error {
  override name = 'StorageError';
  readonly backend: BackendName;
  /** Artifact key (Artifact.shortKey). */
  readonly artifact: string;
  /** Worth another try later; false when a person must act first (credentials, configuration, size). */
  readonly retryable: boolean;

  constructor(
    backend: BackendName,
    artifact: string,
    message: string,
    options: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(`storage ${backend}, ${artifact}: ${message}`, options);
    this.backend = backend;
    this.artifact = artifact;
    this.retryable = options.retryable ?? true;
  }
}
