import type { KindDefinition } from './kinds.ts';
import { structuralSchema, type StructuralSchema } from './structural.ts';

/** The part of apiextensions.k8s.io/v1 CustomResourceDefinition that we write. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    group: string;
    preserveUnknownFields: false;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; plural: string; singular: string; shortNames?: string[]; categories: string[] };
    conversion: { strategy: 'None' };
    versions: CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  name: string;
  served: boolean;
  storage: boolean;
  schema: { openAPIV3Schema: StructuralSchema };
  subresources?: { status: Record<string, never> };
  additionalPrinterColumns?: { name: string; type: string; jsonPath: string }[];
}

/** Labels that users select Tekton's CRDs by. `devel` is replaced by the version when a release is built. */
export const crdLabels = {
  'app.kubernetes.io/instance': 'default',
  'app.kubernetes.io/part-of': 'tekton-pipelines',
  'pipeline.tekton.dev/release': 'devel',
  version: 'devel',
} as const;

/** The CRD of a kind. @throws StructuralSchemaError when a schema of src/api has no structural form. */
export function customResourceDefinition(kind: KindDefinition): CustomResourceDefinition {
  const { group, plural, singular, shortNames, categories } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: { ...crdLabels } },
    spec: {
      group,
      preserveUnknownFields: false,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names: { kind: kind.kind, plural, singular, ...(shortNames.length > 0 ? { shortNames } : {}), categories },
      conversion: { strategy: 'None' },
      versions: [versionOf(kind)],
    },
  };
}

function versionOf(kind: KindDefinition): CustomResourceVersion {
  return {
    name: kind.version,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: objectSchema(kind) },
    ...(kind.statusSubresource ? { subresources: { status: {} } } : {}),
    ...(kind.printerColumns.length > 0 ? { additionalPrinterColumns: kind.printerColumns } : {}),
  };
}

/** The schema of a whole object: the API server knows metadata by itself and wants no more than its type. */
export function objectSchema(kind: KindDefinition): StructuralSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    ...(kind.rules === undefined ? {} : { 'x-kubernetes-validations': kind.rules }),
    properties: {
      apiVersion: { type: 'string', description: `${kind.group}/${kind.version}` },
      kind: { type: 'string', description: kind.kind },
      metadata: { type: 'object' },
      spec: structuralSchema(kind.spec, `${kind.kind}.spec`),
      ...(kind.status === undefined ? {} : { status: structuralSchema(kind.status, `${kind.kind}.status`) }),
    },
  };
}
