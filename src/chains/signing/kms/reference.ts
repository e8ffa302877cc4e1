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
  const parsed = gcpKey(reference) ?? awsKey(reference) ?? azureKey(reference) ?? vaultKey(reference);
  if (parsed !== undefined) return parsed;
  throw new SigningError(`${where} is ${JSON.stringify(reference)}, which is no key reference; ${formFor(reference)}`, {
    retryable: false,
  });
}

function gcpKey(reference: string): KmsReference | undefined {
  const [, key, version] = gcp.exec(reference) ?? [];
  if (key === undefined) return undefined;
  return { provider: 'gcp', key, ...(version === undefined ? {} : { version }) };
}

/** Only ARNs say the region. */
function awsKey(reference: string): KmsReference | undefined {
  const [, endpoint, key, keyRegion, aliasRegion] = aws.exec(reference) ?? [];
  if (key === undefined) return undefined;
  const region = keyRegion ?? aliasRegion;
  return { provider: 'aws', endpoint: endpoint ?? '', key, ...(region === undefined ? {} : { region }) };
}

function azureKey(reference: string): KmsReference | undefined {
  const [, host, key, version] = azure.exec(reference) ?? [];
  if (host === undefined || key === undefined) return undefined;
  return { provider: 'azure', host, key, ...(version === undefined ? {} : { version }) };
}

function vaultKey(reference: string): KmsReference | undefined {
  const [, key] = vault.exec(reference) ?? [];
  return key === undefined ? undefined : { provider: 'vault', key };
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
