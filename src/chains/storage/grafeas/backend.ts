import { createHash, createPublicKey } from 'node:crypto';
import { systemClock } from '../../../clock.ts';
import { ServiceError } from '../../signing/service.ts';
import { settingsOf } from '../../config/settings.ts';
import type { StorageBackend, StoreRequest } from '../backend.ts';
import { isStoredBefore, refused, signatureContent, storageError } from '../content.ts';
import { grafeasClient, type GrafeasClient, type GrafeasOptions, type Occurrence } from './client.ts';
import { buildOccurrence, parseStatement, resourceUris } from './statement.ts';

/**
 * Notes and occurrences in Container Analysis, as upstream writes them: an ATTESTATION occurrence for the signature of
 * an image, a BUILD occurrence of the statement for each artifact that it is about. A statement about nothing has
 * nothing to be stored, which is success.
 */
export function createGrafeasBackend(options: GrafeasOptions = {}): StorageBackend {
  const client = grafeasClient(options, options.clock ?? systemClock);
  /** Notes that are there, so that they are not asked for with each artifact. */
  const notes = new Set<string>();
  return {
    name: 'grafeas',
    refuses: refusal,
    async store(request, signal) {
      const reason = refusal(request);
      if (reason !== undefined) throw refused('grafeas', request, reason);
      try {
        await storeAll(client, notes, request, signal);
      } catch (error) {
        throw storageError('grafeas', request, error, signal);
      }
    },
  };
}

function refusal({ config }: StoreRequest): string | undefined {
  return config.storage.grafeas.projectId === ''
    ? 'storage.grafeas.projectid in chains-config is not set: write the Google Cloud project that keeps the occurrences'
    : undefined;
}

async function storeAll(
  client: GrafeasClient,
  notes: Set<string>,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const uris = request.artifact.payload.wrap
    ? resourceUris(parseStatement(request.artifact.payload.json))
    : [request.artifact.fullKey];
  const note = noteOf(request);
  let isNew = !notes.has(note.name) && (await client.createNote(note.project, note.id, note.body, signal));
  notes.add(note.name);
  for (const uri of uris) {
    if (
      !isNew &&
      (await client.occurrencesOf(note.name, uri, signal).catch(emptyIfGone)).some((found) => isOurs(request, found))
    )
      continue;
    const occurrence = occurrenceOf(request, uri, note.name);
    try {
      await client.createOccurrence(note.project, occurrence, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Somebody deleted the note since it was made.
      isNew = await client.createNote(note.project, note.id, note.body, signal);
      await client.createOccurrence(note.project, occurrence, signal);
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ServiceError && error.status === 404;
}

function emptyIfGone(error: unknown): Occurrence[] {
  if (isNotFound(error)) return [];
  throw error;
}

interface Note {
  project: string;
  id: string;
  /** `projects/<project>/notes/<id>`. */
  name: string;
  body: object;
}

/**
 * Upstream keeps the namespace of the first run for all that follow; here each run has the note of its own namespace.
 */
function noteOf({ run, artifact, config }: StoreRequest): Note {
  const { projectId: project, noteId, noteHint } = config.storage.grafeas;
  const prefix = noteId || `tekton-${run.metadata.namespace}`;
  const named = (suffix: string, body: object): Note => ({
    project,
    id: `${prefix}-${suffix}`,
    name: `projects/${project}/notes/${prefix}-${suffix}`,
    body,
  });
  if (!artifact.payload.wrap)
    return named('simplesigning', {
      shortDescription: 'OCI Artifact Attestation Note',
      attestation: { hint: { humanReadableName: noteHint } },
    });
  const kind = run.kind === 'PipelineRun' ? 'PipelineRun' : 'TaskRun';
  return named(`${kind.toLowerCase()}-intoto`, {
    shortDescription: `Build Provenance Note for ${kind}`,
    build: { builderVersion: `${run.apiVersion}/${kind}` },
  });
}

function occurrenceOf(request: StoreRequest, resourceUri: string, noteName: string): object {
  const {
    artifact: { payload },
    signature,
  } = request;
  const bytes = Buffer.from(payload.json).toString('base64');
  const content = signatureContent(signature).toString('base64');
  const keys = keyNames(request);
  const envelope = {
    payload: bytes,
    payloadType: payload.payloadType,
    signatures: [{ sig: content, keyid: keys.envelope }],
  };
  const details = payload.wrap
    ? { build: buildOccurrence(parseStatement(payload.json)) }
    : {
        attestation: { serializedPayload: bytes, signatures: [{ signature: content, publicKeyId: keys.attestation }] },
      };
  return { resourceUri, noteName, ...details, envelope };
}

/** A KMS key is named by its reference, as upstream; others by their digest, for which upstream writes nothing. */
function keyNames({ artifact, signature, config }: StoreRequest): { envelope: string; attestation: string } {
  const { ref } = config.signers.kms;
  if (settingsOf(config, artifact.kind).signer === 'kms' && ref !== '') return { envelope: ref, attestation: ref };
  const digest = createHash('sha256')
    .update(createPublicKey(signature.publicKeyPem).export({ format: 'der', type: 'spki' }))
    .digest('base64url');
  // RFC 6920, the form that Binary Authorization gives to PKIX keys.
  return { envelope: signature.keyId, attestation: `ni:///sha-256;${digest}` };
}

function isOurs(request: StoreRequest, { envelope }: Occurrence): boolean {
  const payload = Buffer.from(envelope?.payload ?? '', 'base64');
  return (envelope?.signatures ?? []).some(({ sig }) =>
    isStoredBefore(request, { payload, signature: Buffer.from(sig ?? '', 'base64'), certificate: '' }),
  );
}
