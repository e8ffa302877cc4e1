/**
 * Layers of `.sig` and `.att` as cosign reads them (specs/SIGNATURE_SPEC.md and specs/ATTESTATION_SPEC.md of cosign).
 */
export const simpleSigningLayerType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const dsseLayerType = 'application/vnd.dsse.envelope.v1+json';

export const annotation = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
  predicateType: 'predicateType',
  /** Ours: digest of the payload, and who signed it, so that a retry is known without fetching every layer. */
  payload: 'tektite.dev/payload',
  signer: 'tektite.dev/signer',
  created: 'org.opencontainers.image.created',
  bundleContent: 'dev.sigstore.bundle.content',
  bundlePredicateType: 'dev.sigstore.bundle.predicateType',
} as const;
