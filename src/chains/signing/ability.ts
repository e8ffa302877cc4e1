import type { ChainsConfig } from '../config/settings.ts';
import type { SigningSecret } from './file-key.ts';

type SignerSettings = Pick<ChainsConfig, 'taskrun' | 'pipelinerun' | 'oci' | 'signers' | 'trust'>;

/**
 * Whether somebody has said what to sign with, be it right or wrong: a private key in Secret signing-secrets, or a
 * service or a namespace's key in chains-config. A KMS is named by the signer, as signers.kms alone does nothing.
 */
export function hasSigner(config: SignerSettings, secret: SigningSecret): boolean {
  const { taskrun, pipelinerun, oci, signers, trust } = config;
  return (
    secret['x509.pem'] !== undefined ||
    secret['cosign.key'] !== undefined ||
    signers.x509.fulcio.enabled ||
    [taskrun, pipelinerun, oci].some(({ signer }) => signer === 'kms') ||
    [...trust.namespaces.values()].some((policy) => 'broken' in policy || policy.key !== undefined)
  );
}
