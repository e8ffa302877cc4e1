import type { ImageCredentials } from '../../../core/pod/image.ts';
import type { RunObject } from '../../types.ts';

/**
 * Whose registry credentials count for a run: its ServiceAccount (`default` if it names none) and its pods' own pull
 * secrets.
 */
export function askerOf(run: RunObject): ImageCredentials {
  const template = isPipelineRun(run) ? run.spec.taskRunTemplate : run.spec;
  const imagePullSecrets = (template?.podTemplate?.imagePullSecrets ?? []).flatMap((secret) =>
    secret.name ? [secret.name] : [],
  );
  return {
    namespace: run.metadata.namespace ?? '',
    serviceAccountName: template?.serviceAccountName || 'default',
    imagePullSecrets,
  };
}

function isPipelineRun(run: RunObject): run is Extract<RunObject, { spec: { taskRunTemplate?: unknown } }> {
  return run.kind === 'PipelineRun';
}
