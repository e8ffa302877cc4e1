import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import type { TrustBundle } from '../../core/spire/svid.ts';
import { certificatesIn } from '../../pem.ts';

export interface SpireSettings {
  /**
   * File with the authorities' certificates in PEM form; "" for none: then nobody's word counts for the SVIDs
   * themselves.
   */
  trustBundlePath: string;
  /** "" takes it from the authorities. Counts only with a trust bundle. */
  trustDomain: string;
  /** No TaskRun is attested unless its steps signed all that they report, and all of it was verified. */
  required: boolean;
}

const key = 'artifacts.taskrun.spire.trust-bundle-path';

/**
 * The trust bundle as it is in its file now (`spire-server bundle show` writes one; mounted, it may be rotated at any
 * time). `undefined` when none is configured.
 * @throws when one is configured and cannot be used, naming the key, the file and the way out.
 */
export async function readTrustBundle(
  { trustBundlePath, trustDomain }: Pick<SpireSettings, 'trustBundlePath' | 'trustDomain'>,
  signal: AbortSignal,
): Promise<TrustBundle | undefined> {
  if (trustBundlePath === '') return undefined;
  let text: string;
  try {
    text = await readFile(trustBundlePath, { encoding: 'utf8', signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `${key}: ${trustBundlePath} cannot be read; mount the trust bundle of SPIRE there, or remove the key: ${messageOf(error)}`,
      { cause: error },
    );
  }
  try {
    const authorities = certificatesIn(text).map((pem) => new X509Certificate(pem));
    if (authorities.length === 0) throw new Error('no PEM block "CERTIFICATE" in it');
    return { authorities, trustDomain: trustDomain.replace(/^spiffe:\/\//, '') };
  } catch (error) {
    throw new Error(
      `${key}: ${trustBundlePath} holds no trust bundle; write it with "spire-server bundle show -format pem": ${messageOf(error)}`,
      { cause: error },
    );
  }
}
