import { settingsOf, type ChainsConfig } from '../config/settings.ts';
import { imageSignaturePayload } from '../signing/bundle.ts';
import type { Artifact, BackendName } from '../types.ts';

/**
 * In the form "sigstore-bundle" the registry gets the statement that cosign v3 signs for an image, every other backend
 * simplesigning as ever: one image is two things to be signed then, or one.
 */
export function inRegistryForm(artifacts: readonly Artifact[], config: ChainsConfig): Artifact[] {
  if (config.storage.oci.encoding !== 'sigstore-bundle') return [...artifacts];
  const { storage } = config.oci;
  return artifacts.flatMap((artifact) => {
    if (artifact.kind !== 'oci') return [artifact];
    const bundled = artifact.payload.subjects.map<Artifact>((image) => ({
      ...artifact,
      fullKey: `${artifact.fullKey} bundle`,
      payload: imageSignaturePayload(image),
    }));
    return [...(storage.includes('oci') ? bundled : []), ...(storage.some((name) => name !== 'oci') ? [artifact] : [])];
  });
}

/** Where an artifact goes. */
export function backendsFor({ kind, payload }: Artifact, config: ChainsConfig): BackendName[] {
  const { storage } = settingsOf(config, kind);
  if (kind !== 'oci' || config.storage.oci.encoding !== 'sigstore-bundle') return storage;
  return storage.filter((name) => (name === 'oci') === payload.wrap);
}
