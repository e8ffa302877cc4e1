import { taskRuns } from '../../src/api/resources.ts';
import { isNotFound, type KubeClient } from '../../src/kube/client.ts';
import type { Resource } from '../../src/kube/object.ts';
import { pods } from '../../src/kube/resources.ts';
import { pipelineRunResource } from './batch.ts';

/** Deletes a PipelineRun and what it owned, as the garbage collector would where there is one. */
export async function deleteWithChildren(client: KubeClient, namespace: string, name: string): Promise<void> {
  const labelSelector = `tekton.dev/pipelineRun=${name}`;
  await client.delete(pipelineRunResource as Resource, namespace, name).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  await client.deleteCollection(taskRuns, { namespace, labelSelector });
  await client.deleteCollection(pods, { namespace, labelSelector, gracePeriodSeconds: 0 });
}
