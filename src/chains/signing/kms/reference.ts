import { SigningError } from '../signer.ts';

/** A parsed signers.kms.kmsref. */
export type KmsReference =
  | { provider: 'gcp'; key: string; version?: string }
  | { provider: 'aws'; endpoint: string; key: string; region?: string }
  | { provider: 'azure'; host: string; key: string; version?: string }
  | { provider: 'vault'; key: string };

const gcp =
  /^gcpkms:\/\/(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+)(?:\/(?:cryptoKeyVersions|versions)\/([^/]+))?$/;
const uuid =
  '(?:mrk-)?[A-Fa-f0-9]{8}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{4}-?[A-Fa-f0-9]{12}|mrk-[A-Fa-f0-9]{32}';
const arn = 'arn:aws[a-z-]*:kms:([a-z0-9-]+):\\d{12}:';
const aws = new RegExp(`^awskms://([^/]*)/((?:${uuid})|${arn}key/(?:${uuid})|alias/.+|${arn}alias/.+)$`);
const azure = /^azurekms:\/\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/;
const vault = /^(?:hashivault|openbao):\/\/(\w(?:[\w.-]*\w)?)$/;

/**
 * Parses a key reference in the forms of Sigstore's libraries (and so of `cosign --key`).
 * @throws SigningError with the forms there are.
 */
export function parseKmsReference(reference: string): KmsReference {
  return kmsReferenceIn('signers.kms.kmsref in chains-config', reference);
}

/** One that is written elsewhere. @throws SigningError */
export function kmsReferenceIn(where: string, reference: string): KmsReference {
  const [, gcpKey, gcpVersion] = gcp.exec(reference) ?? [];
  if (gcpKey !== undefined)
    return { provider: 'gcp', key: gcpKey, ...(gcpVersion === undefined ? {} : { version: gcpVersion }) };
  const [, endpoint, awsKey, keyRegion, aliasRegion] = aws.exec(reference) ?? [];
  const region = keyRegion ?? aliasRegion;
  if (awsKey !== undefined)
    return { provider: 'aws', endpoint: endpoint ?? '', key: awsKey, ...(region === undefined ? {} : { region }) };
  const [, host, azureKey, azureVersion] = azure.exec(reference) ?? [];
  if (host !== undefined && azureKey !== undefined)
    return { provider: 'azure', host, key: azureKey, ...(azureVersion === undefined ? {} : { version: azureVersion }) };
  const [, vaultKey] = vault.exec(reference) ?? [];
  if (vaultKey !== undefined) return { provider: 'vault', key: vaultKey };
  throw new SigningError(`${where} is ${JSON.stringify(reference)}, which is no key reference; ${formFor(reference)}`, {
    retryable: false,
  });
}

const FORMS: Readonly<Record<string, string>> = {
  'gcpkms://':
    'gcpkms://projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>[/cryptoKeyVersions/<version>]',
  'awskms://': 'awskms://[<endpoint>]/<key id, alias/<name> or ARN>',
  'azurekms://': 'azurekms://<vault or host>/<key>[/<version>]',
  'hashivault://': 'hashivault://<key>',
  'openbao://': 'openbao://<key>',
};

function formFor(reference: string): string {
  const scheme = Object.keys(FORMS).find((prefix) => reference.startsWith(prefix));
  return scheme === undefined ? `write one of ${Object.values(FORMS).join(', ')}` : `write ${FORMS[scheme]}`;
}
