/** Media types of manifests, in the order of preference of an Accept header. */
export const imageManifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;
export const indexManifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;
export const manifestTypes: readonly string[] = [...indexManifestTypes, ...imageManifestTypes];

export const ociManifestType = imageManifestTypes[0];
export const ociIndexType = indexManifestTypes[0];
export const ociConfigType = 'application/vnd.oci.image.config.v1+json';
export const emptyConfigType = 'application/vnd.oci.empty.v1+json';

/** Bytes of a manifest or an index. */
export const manifestLimit = 8 * 1024 * 1024;

/** A reference to content by digest (image-spec). */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** The part of an image manifest that we read; others' fields are kept as they are. */
export interface ImageManifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export interface IndexManifest {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}
