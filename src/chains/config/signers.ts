import type { ConfigValues } from '../../api/config/values.ts';
import type { KmsSettings, X509Settings } from './settings.ts';

/** Upstream's defaults, which its documentation shows as if they were written: they ask for nothing here. */
const PUBLIC_ISSUER = 'https://oauth2.sigstore.dev/auth';
const PUBLIC_TUF_MIRROR = 'https://tuf-repo-cdn.sigstore.dev';

/** signers.x509.* */
export function x509(values: ConfigValues): X509Settings {
  const key = 'signers.x509';
  const issuer = values.text(`${key}.fulcio.issuer`, PUBLIC_ISSUER);
  reportTufMirror(values, `${key}.tuf.mirror.url`);
  return {
    fulcio: {
      enabled: values.boolean(`${key}.fulcio.enabled`, false),
      address: values.text(`${key}.fulcio.address`, 'https://fulcio.sigstore.dev'),
      issuer: issuer === PUBLIC_ISSUER ? '' : issuer,
      provider: values.text(`${key}.fulcio.provider`, ''),
    },
    identityTokenFile: values.text(`${key}.identity.token.file`, ''),
  };
}

/** Nothing is fetched from a TUF repository: whoever sets a mirror must not believe that it is used. */
function reportTufMirror(values: ConfigValues, key: string): void {
  const value = values.text(key, PUBLIC_TUF_MIRROR);
  if (value === '' || value === PUBLIC_TUF_MIRROR) return;
  values.problems.push({
    kind: 'invalid-value',
    key,
    value,
    message: `key ${key} has the value ${JSON.stringify(value)}, which has no effect: Fulcio's certificates are not checked against a TUF repository when signing; remove the key, and give verifiers the mirror's trusted root`,
  });
}

/** signers.kms.* */
export function kms(values: ConfigValues): KmsSettings {
  const key = 'signers.kms';
  return {
    ref: values.text(`${key}.kmsref`, ''),
    auth: {
      address: values.text(`${key}.auth.address`, ''),
      token: values.text(`${key}.auth.token`, ''),
      tokenPath: values.text(`${key}.auth.token-path`, ''),
      oidc: {
        path: values.text(`${key}.auth.oidc.path`, ''),
        role: values.text(`${key}.auth.oidc.role`, ''),
        tokenPath: values.text(`${key}.auth.oidc.token-path`, ''),
      },
      spire: {
        sock: values.text(`${key}.auth.spire.sock`, ''),
        audience: values.text(`${key}.auth.spire.audience`, ''),
      },
    },
  };
}
