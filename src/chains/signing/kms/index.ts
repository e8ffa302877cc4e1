import { readFile } from 'node:fs/promises';
import type { KmsSettings } from '../../config/settings.ts';
import type { Surroundings } from '../service.ts';
import type { ByteSigner } from '../signer.ts';
import { awsClient } from './aws.ts';
import { azureClient } from './azure.ts';
import { gcpClient } from './gcp.ts';
import { kmsSigner, type KmsClient } from './kms.ts';
import { parseKmsReference } from './reference.ts';
import { vaultClient } from './vault.ts';

/**
 * The signer that signers.kms.* asks for; nothing is called yet. @throws SigningError for a wrong reference or address.
 */
export function createKmsSigner(settings: KmsSettings, around: Surroundings = {}): ByteSigner {
  return kmsSigner(clientFor(settings, around), around);
}

function clientFor(settings: KmsSettings, around: Surroundings): KmsClient {
  const reference = parseKmsReference(settings.ref);
  switch (reference.provider) {
    case 'gcp':
      return gcpClient(reference, around);
    case 'aws':
      return awsClient(reference);
    case 'azure':
      return azureClient(reference, around.env === undefined ? {} : { env: around.env });
    case 'vault':
      return vaultClient(reference.key, settings.auth, around);
    default: {
      const never: never = reference;
      return never;
    }
  }
}

/** Everything a KMS signer is made of, so that a change of it makes a new one; the token file counts by content. */
export async function kmsIdentity(settings: KmsSettings): Promise<string> {
  const file = settings.auth.tokenPath;
  const token = file === '' ? '' : await readFile(file, 'utf8').catch(() => '');
  return JSON.stringify([settings, token]);
}
