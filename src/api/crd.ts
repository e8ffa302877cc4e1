import { needsConversion, type KindDefinition, type KindVersion } from './kind.ts';
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
    names: {
      kind: string;
      plural: string;
      singular: string;
      shortNames?: readonly string[];
      categories: readonly string[];
    };
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
export function crdLabels(partOf: KindDefinition['partOf']): Record<string, string> {
  return {
    'app.kubernetes.io/instance': 'default',
    'app.kubernetes.io/part-of': partOf,
    [`${partOf === 'tekton-pipelines' ? 'pipeline' : partOf.slice('tekton-'.length)}.tekton.dev/release`]: 'devel',
    version: 'devel',
  };
}

/**
 * The CRD of a kind, as it is safe to apply while no webhook runs: a version that has to be converted is not served, as
 * the API server would rename it and nothing else. The chart serves it together with the webhook.
 * @throws StructuralSchemaError when a schema of src/api has no structural form.
 */
export function customResourceDefinition(kind: KindDefinition): CustomResourceDefinition {
  const { group, plural, singular, shortNames, categories } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels: crdLabels(kind.partOf) },
    spec: {
      group,
      preserveUnknownFields: false,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names: { kind: kind.kind, plural, singular, ...(shortNames.length > 0 ? { shortNames } : {}), categories },
      conversion: { strategy: 'None' },
      versions: kind.versions.map((version) => versionOf(kind, version)),
    },
  };
}

function versionOf(kind: KindDefinition, version: KindVersion): CustomResourceVersion {
  const schema = objectSchema(kind, version);
  return {
    name: version.name,
    served: version.storage || !needsConversion(kind),
    storage: version.storage,
    schema: { openAPIV3Schema: version.convert ? withoutDescriptions(schema) : schema },
    ...(kind.statusSubresource ? { subresources: { status: {} } } : {}),
    ...(version.printerColumns.length > 0 ? { additionalPrinterColumns: version.printerColumns } : {}),
  };
}

/** The schema of a whole object: the API server knows metadata by itself and wants no more than its type. */
export function objectSchema(kind: KindDefinition, version: KindVersion): StructuralSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    ...(version.rules === undefined ? {} : { 'x-kubernetes-validations': version.rules }),
    properties: {
      apiVersion: { type: 'string', description: `${kind.group}/${version.name}` },
      kind: { type: 'string', description: kind.kind },
      metadata: { type: 'object' },
      spec: structuralSchema(version.spec, `${kind.kind}.spec`),
      ...(version.status === undefined ? {} : { status: structuralSchema(version.status, `${kind.kind}.status`) }),
    },
  };
}

/** `kubectl explain` is for the version to write; twice as long, a CRD would not fit beside kubectl's annotation. */
function withoutDescriptions({ description: _, ...schema }: StructuralSchema): StructuralSchema {
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, child]) => [name, withoutDescriptions(child)]),
          ),
        }
      : {}),
    ...(items ? { items: withoutDescriptions(items) } : {}),
    ...(additionalProperties ? { additionalProperties: withoutDescriptions(additionalProperties) } : {}),
  };
}
