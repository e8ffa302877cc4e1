import { pipelineRuns, taskRuns } from '../../../api/resources.ts';
import { ApiError, isConflict, isNotFound, type KubeClient } from '../../../kube/client.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../../../kube/object.ts';
import { ProcessLock } from '../../../registry/tag-update.ts';
import { StorageError, type StorageBackend, type StoreRequest } from '../backend.ts';
import { annotationsOf, appliedBefore, tooLarge } from './annotations.ts';

/** Upstream's field manager, so that either product can go on with what the other began. */
export const fieldManager = 'tekton-chains-controller';

/** Others write annotations of the run too (its own progress first of all): each round races one write. */
const tries = 20;

/** Payload and signature as annotations of the run itself, in one server-side apply. */
export function createTektonBackend({ client }: { client: Pick<KubeClient, 'get' | 'patch'> }): StorageBackend {
  // Artifacts of one run would otherwise apply over each other's heads.
  const lock = new ProcessLock();
  return {
    name: 'tekton',
    refuses: (request) =>
      tooLarge(request.run.metadata.annotations ?? {}, annotationsOf(request), request.artifact.kind),
    store: (request, signal) =>
      lock.withLock(request.run.metadata.uid ?? '', () => apply(client, request, signal), signal),
  };
}

async function apply(
  client: Pick<KubeClient, 'get' | 'patch'>,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = '', uid } = request.run.metadata;
  const resource = resourceOf(request);
  const wanted = annotationsOf(request);
  let force = false;
  for (let round = 1; ; round += 1) {
    const live = await liveRun(client, request, signal);
    const present = live.metadata.annotations ?? {};
    if (Object.entries(wanted).every(([key, value]) => present[key] === value)) return;
    const refused = tooLarge(present, wanted, request.artifact.kind);
    if (refused !== undefined) throw failure(request, refused);
    const annotations = { ...appliedBefore(live.metadata, fieldManager), ...wanted };
    // uid and resourceVersion: an apply would create the run anew if it were gone, and undo an apply it has not seen.
    const metadata = { name, namespace, uid, resourceVersion: live.metadata.resourceVersion, annotations };
    try {
      await client.patch(resource, namespace, name, {
        type: 'apply',
        body: { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata },
        fieldManager,
        force,
        signal,
      });
      return;
    } catch (error) {
      if (!isConflict(error) || round >= tries) throw error;
      force ||= isOwnedByAnother(error);
    }
  }
}

async function liveRun(
  client: Pick<KubeClient, 'get'>,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace, name = '', uid } = request.run.metadata;
  const resource = resourceOf(request);
  const live = await client.get(resource, namespace, name, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (live === undefined || live.metadata.uid !== uid)
    throw failure(request, `${resource.kind} ${namespace}/${name} is gone, and its annotations with it`);
  return live;
}

/** Another manager wrote one of our annotations: it is taken over, as upstream does. */
function isOwnedByAnother(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.details?.causes ?? []).some((cause) => cause.reason === 'FieldManagerConflict')
  );
}

function resourceOf({ run }: StoreRequest): Resource<KubeObject> {
  return run.kind === 'PipelineRun' ? pipelineRuns : taskRuns;
}

function failure(request: StoreRequest, message: string): StorageError {
  return new StorageError('tekton', request.artifact.shortKey, message, { retryable: false });
}
