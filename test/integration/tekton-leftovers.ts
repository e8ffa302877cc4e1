import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../hack/command.ts';
import type { Json } from './https-server.ts';

/** What Tekton's release has in a cluster, in a small form: enough of it for the API server to behave as there. */
export const systemNamespace = 'tekton-pipelines';

/** Kinds that Tekton's webhook converts, by plural. */
export const convertedKinds = {
  tasks: 'Task',
  taskruns: 'TaskRun',
  pipelines: 'Pipeline',
  pipelineruns: 'PipelineRun',
};

const anyObject = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };

/** A CRD as Tekton's running webhook leaves it. */
export function definition(plural: string, kind: string): Json {
  const version = (name: string, storage: boolean) => ({
    name,
    served: true,
    storage,
    schema: anyObject,
    subresources: { status: {} },
  });
  return {
    metadata: { name: `${plural}.tekton.dev`, labels: { 'app.kubernetes.io/part-of': 'tekton-pipelines' } },
    spec: {
      group: 'tekton.dev',
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), categories: ['tekton', 'tekton-pipelines'] },
      versions: [version('v1beta1', false), version('v1', true)],
      conversion: {
        strategy: 'Webhook',
        webhook: {
          clientConfig: { service: { name: 'tekton-pipelines-webhook', namespace: systemNamespace } },
          conversionReviewVersions: ['v1beta1', 'v1'],
        },
      },
    },
  };
}

/** A webhook configuration that judges everything of the group. */
export function webhooks(kind: string, name: string): Json {
  const rules = [{ apiGroups: ['tekton.dev'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['*'] }];
  return configuration(kind, name, { rules });
}

function configuration(kind: string, name: string, parts: Json): Json {
  const clientConfig = { service: { name: 'tekton-pipelines-webhook', namespace: systemNamespace } };
  const webhook = { name, clientConfig, ...parts, sideEffects: 'None', admissionReviewVersions: ['v1'] };
  return { kind, metadata: { name }, webhooks: [webhook] };
}

/** The objects of a release file: its webhooks have no rules, for Tekton's webhook writes them when it is up. */
export function releaseObjects(): Json[] {
  const apiextensions = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
  const admission = { apiVersion: 'admissionregistration.k8s.io/v1' };
  const validating = ['validation.webhook.pipeline.tekton.dev', 'config.webhook.pipeline.tekton.dev'];
  return [
    ...Object.entries(convertedKinds).map(([plural, kind]) => ({ ...apiextensions, ...definition(plural, kind) })),
    ...validating.map((name) => ({ ...admission, ...configuration('ValidatingWebhookConfiguration', name, {}) })),
    { ...admission, ...configuration('MutatingWebhookConfiguration', 'webhook.pipeline.tekton.dev', {}) },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config-defaults', namespace: systemNamespace },
      data: { _example: '# upstream' },
    },
  ];
}

/**
 * What a real Tekton installs, as files of YAML: they are not part of the project. TEKTITE_TEKTON_INSTALL_DIR names
 * their folder. Undefined where there is none.
 */
export function realRelease(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['TEKTITE_TEKTON_INSTALL_DIR'];
  const folder = path.resolve(root, named ?? '../shared/conformance/tekton-install');
  if (!existsSync(folder)) {
    if (named !== undefined) throw new Error(`TEKTITE_TEKTON_INSTALL_DIR: there is no folder ${folder}`);
    return undefined;
  }
  const parts = ['pipeline', 'triggers'].flatMap((part) =>
    readdirSync(path.join(folder, part))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => readFileSync(path.join(folder, part, name), 'utf8')),
  );
  return parts.join('\n---\n');
}
