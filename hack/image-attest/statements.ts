/** What is attested of an image of ours, as predicates that cosign signs. */
import type { Component } from './components.ts';

export interface Subject {
  readonly name: string;
  readonly version: string;
  /** `sha256:...` of the manifest. */
  readonly digest: string;
}

/** A CycloneDX document. It holds no time and no random number: the same image has the same one. */
export function billOfMaterials({ name, version, digest }: Subject, components: readonly Component[]): object {
  const repository = encodeURIComponent(`ghcr.io/tektite/${name}`);
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        'bom-ref': `${name}@${digest}`,
        type: 'container',
        name,
        version,
        purl: `pkg:oci/${name}@${encodeURIComponent(digest)}?repository_url=${repository}`,
      },
    },
    components: [...components].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  };
}

export interface Sources {
  /** The whole hash of the commit, of a checkout without changes. */
  readonly commit: string;
  /** SHA-256 of the files that say which dependencies are fetched, by path. */
  readonly locks: Readonly<Record<string, string>>;
}

/** https://slsa.dev/spec/v1.0/provenance: which sources and locked dependencies the image was made from, and by what. */
export function provenance({ name, version }: Subject, { commit, locks }: Sources): object {
  return {
    buildDefinition: {
      buildType: 'https://github.com/tektite/tektite/hack/images@v1',
      externalParameters: { image: name, version },
      resolvedDependencies: [
        { name: 'tektite', digest: { gitCommit: commit } },
        ...Object.entries(locks).map(([path, sha256]) => ({ name: path, digest: { sha256 } })),
      ],
    },
    runDetails: { builder: { id: 'https://github.com/tektite/tektite/hack/images' } },
  };
}
