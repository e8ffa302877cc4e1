import type { KubeObject } from '../../resource.ts';

/** A PipelineRun as the API server has it, with what lists read. */
export function runObject(more: {
  name: string;
  namespace?: string;
  created?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: object;
  status?: object;
}): KubeObject & { spec: object; status?: object } {
  const { name, namespace = 'n', created = '2026-01-01T00:00:00Z', labels = {}, annotations = {} } = more;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: created,
      labels,
      annotations,
    },
    spec: more.spec ?? { pipelineRef: { name: 'build' } },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

/** A status with the condition Succeeded. */
export function conditionStatus(status: string, reason: string, more: object = {}): object {
  return { conditions: [{ type: 'Succeeded', status, reason, message: reason }], ...more };
}
