import { systemClock } from '../../clock.ts';
import type { X509Settings } from '../config/settings.ts';
import { signBytes } from './algorithm.ts';
import { checkIssuer, issueCertificate, type IssuedCertificate } from './fulcio.ts';
import { identityToken, type IdentityOptions } from './identity/providers.ts';
import type { ByteSigner } from './signer.ts';

/** A certificate is not used in its last minute: the log or the timestamp must still fall into its life. */
const marginMs = 60_000;
const algorithm = { scheme: 'ecdsa', hash: 'sha256' } as const;

/**
 * Signs with a certificate of Fulcio, which is asked for at the first signature and used while it is valid. Whoever
 * wants a fresh key makes a new signer: one per run, as upstream, so that all artifacts of a run carry the same
 * certificate.
 */
export function keylessSigner(settings: X509Settings, options: IdentityOptions = {}): ByteSigner {
  const clock = options.clock ?? systemClock;
  let issued: Promise<IssuedCertificate> | undefined;

  async function fresh(signal: AbortSignal): Promise<IssuedCertificate> {
    const token = await identityToken(settings, signal, options);
    checkIssuer(token, settings.fulcio.issuer);
    return issueCertificate(settings.fulcio.address, token, signal, options);
  }

  async function current(signal: AbortSignal): Promise<IssuedCertificate> {
    const kept = await issued?.catch(() => undefined);
    if (kept !== undefined && kept.notAfter.getTime() - marginMs > clock.now().getTime()) return kept;
    issued = fresh(signal);
    return issued;
  }

  // Artifacts of one run are signed at the same time: one of them asks, the others wait.
  let line: Promise<unknown> = Promise.resolve();
  function inLine(signal: AbortSignal): Promise<IssuedCertificate> {
    const next = line.then(() => current(signal));
    line = next.catch(() => undefined);
    return next;
  }

  return {
    description: `keyless by Fulcio ${settings.fulcio.address}`,
    async signBytes(bytes, signal) {
      const { privateKey, publicKey, certificate, chain } = await inLine(signal);
      return {
        signature: await signBytes(privateKey, algorithm, bytes),
        key: { publicKey, algorithm, certificate, chain },
      };
    },
  };
}
