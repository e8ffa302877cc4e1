import { describe, expect, it } from 'vitest';
import type { KubernetesResource } from '../../api/triggers/spec.ts';
import { demandOf } from './demand.ts';

const listener = (kubernetesResource: KubernetesResource | undefined, sink?: string) => ({
  metadata: { name: 'push', ...(sink ? { annotations: { 'triggers.tektite.dev/sink': sink } } : {}) },
  spec: { triggers: [{ triggerRef: 't' }], ...(kubernetesResource ? { resources: { kubernetesResource } } : {}) },
});
const secret = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: 's', key: 'k' } } });
const pod = (spec: Record<string, unknown>, metadata = {}): KubernetesResource => ({
  spec: { template: { metadata, spec } },
});

describe('whose pods take the events of a listener', () => {
  it.each<[string, string | undefined, 'own' | 'shared', string]>([
    ['nothing is said', undefined, 'own', 'own'],
    ['the setting says shared', undefined, 'shared', 'shared'],
    ['it is taken out', 'own', 'shared', 'own'],
    ['it is taken in', 'shared', 'own', 'shared'],
    ['its annotation is no word', 'all', 'shared', 'own'],
  ])('where %s', (_name, annotation, setting, wanted) => {
    expect(demandOf(listener(undefined, annotation), setting).kind).toBe(wanted);
  });

  it.each<[string, KubernetesResource, string | undefined]>([
    ['a type and port of the Service', { serviceType: 'NodePort', servicePort: 80 }, undefined],
    ['an account', pod({ serviceAccountName: 'robot' }), undefined],
    ['a certificate', pod({ containers: [{ name: '', env: [secret('TLS_CERT'), secret('TLS_KEY')] }] }), undefined],
    ['an empty container', pod({ containers: [{ resources: undefined }] }), undefined],
    ['replicas', { replicas: 3 }, 'replicas'],
    ['a node', pod({ nodeSelector: { a: 'b' } }), 'spec.template.spec.nodeSelector'],
    ['tolerations', pod({ tolerations: [] }), 'spec.template.spec.tolerations'],
    ['a security context', pod({ securityContext: {} }), 'spec.template.spec.securityContext'],
    ['limits', pod({ containers: [{ resources: { limits: {} } }] }), 'spec.template.spec.containers[0].resources'],
    ['a probe', pod({ containers: [{ livenessProbe: {} }] }), 'spec.template.spec.containers[0].livenessProbe'],
    [
      'a variable',
      pod({ containers: [{ env: [secret('TLS_CERT'), secret('TOKEN')] }] }),
      'spec.template.spec.containers[0].env (TOKEN)',
    ],
    ['a label of pods', pod({}, { labels: { a: 'b' } }), 'spec.template.metadata.labels'],
    ['an annotation of pods', pod({}, { annotations: { a: 'b' } }), 'spec.template.metadata.annotations'],
  ])('that sets %s', (_name, resource, field) => {
    const wanted = field === undefined ? {} : { field: `spec.resources.kubernetesResource.${field}` };
    const kind = field === undefined ? 'shared' : 'own';
    expect(demandOf(listener(resource), 'shared')).toEqual({ kind, ...wanted });
  });
});
