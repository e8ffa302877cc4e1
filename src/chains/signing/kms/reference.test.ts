import { describe, expect, it } from 'vitest';
import { parseKmsReference } from './reference.ts';

const uuid = '1234abcd-12ab-34cd-56ef-1234567890ab';
const arn = 'arn:aws:kms:us-east-2:111122223333';
const gcp = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';

describe('parseKmsReference', () => {
  // Forms from Sigstore's documentation of "cosign --key".
  it.each([
    [`gcpkms://${gcp}`, { provider: 'gcp', key: gcp }],
    [`gcpkms://${gcp}/cryptoKeyVersions/3`, { provider: 'gcp', key: gcp, version: '3' }],
    [`gcpkms://${gcp}/versions/12`, { provider: 'gcp', key: gcp, version: '12' }],
    [`awskms:///${uuid}`, { provider: 'aws', endpoint: '', key: uuid }],
    [`awskms://localhost:4566/${uuid}`, { provider: 'aws', endpoint: 'localhost:4566', key: uuid }],
    [
      'awskms:///mrk-1234abcd12ab34cd56ef1234567890ab',
      { provider: 'aws', endpoint: '', key: 'mrk-1234abcd12ab34cd56ef1234567890ab' },
    ],
    [`awskms:///${arn}:key/${uuid}`, { provider: 'aws', endpoint: '', key: `${arn}:key/${uuid}`, region: 'us-east-2' }],
    ['awskms:///alias/Example/Alias', { provider: 'aws', endpoint: '', key: 'alias/Example/Alias' }],
    [
      `awskms://localhost:4566/${arn}:alias/ExampleAlias`,
      { provider: 'aws', endpoint: 'localhost:4566', key: `${arn}:alias/ExampleAlias`, region: 'us-east-2' },
    ],
    [
      `awskms:///arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/${uuid}`,
      {
        provider: 'aws',
        endpoint: '',
        key: `arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/${uuid}`,
        region: 'us-gov-west-1',
      },
    ],
    ['azurekms://my-vault.vault.azure.net/key', { provider: 'azure', host: 'my-vault.vault.azure.net', key: 'key' }],
    [
      'azurekms://my-vault/key/0123456789abcdef',
      { provider: 'azure', host: 'my-vault', key: 'key', version: '0123456789abcdef' },
    ],
    ['hashivault://my-key.v2', { provider: 'vault', key: 'my-key.v2' }],
    ['openbao://k', { provider: 'vault', key: 'k' }],
  ])('%s', (text, parsed) => {
    expect(parseKmsReference(text)).toEqual(parsed);
  });

  it.each([
    ['', /kmsref in chains-config is "", .*gcpkms:\/\/.*awskms:\/\/.*azurekms:\/\/.*hashivault:\/\//],
    ['k8s://ns/secret', /is no key reference; write one of/],
    ['gcpkms://projects/p', /write gcpkms:\/\/projects\/<project>/],
    ['awskms://key', /write awskms:\/\/\[<endpoint>\]\//],
    ['awskms:///arn:aws:kms:us-east-2:11112222333:key/x', /write awskms/],
    ['azurekms://vault', /write azurekms:\/\/<vault or host>\/<key>/],
    ['hashivault://a/b', /write hashivault:\/\/<key>$/],
    ['openbao://../sys', /write openbao:\/\/<key>$/],
  ])('refuses %j with the right form', (text, error) => {
    expect(() => parseKmsReference(text)).toThrow(error);
  });
});
