import { describe, expect, it } from 'vitest';
import { parseCollection } from './collection.ts';

describe('parseCollection', () => {
  it.each([
    [
      'mongo://chains/signed?id_field=name',
      { kind: 'mongo', database: 'chains', collection: 'signed', keyField: 'name' },
    ],
    ['mongo://Chains/Signed', { kind: 'mongo', database: 'Chains', collection: 'Signed', keyField: '_id' }],
    [
      'mongo://c/s?id_field=name&revision_field=Rev',
      { kind: 'mongo', database: 'c', collection: 's', keyField: 'name' },
    ],
    [
      'firestore://projects/p/databases/(default)/documents/chains?name_field=name',
      {
        kind: 'firestore',
        database: 'projects/p/databases/(default)',
        path: 'projects/p/databases/(default)/documents/chains',
        keyField: 'name',
      },
    ],
    ['dynamodb://signed?partition_key=Name', { kind: 'dynamodb', table: 'signed', keyField: 'Name', sortField: '' }],
    [
      'dynamodb://signed?partition_key=Name&sort_key=Cert&region=eu-west-1&awssdk=v2&endpoint=http%3A%2F%2Flocalhost%3A8000',
      {
        kind: 'dynamodb',
        table: 'signed',
        keyField: 'Name',
        sortField: 'Cert',
        region: 'eu-west-1',
        endpoint: 'http://localhost:8000',
      },
    ],
  ])('reads %s', (url, wanted) => expect(parseCollection(url)).toEqual(wanted));

  it.each([
    ['', /storage\.docdb\.url in chains-config is not set: write mongo:\/\//],
    ['chains', /is "chains", which is not a URL/],
    ['redis://x/y', /redis:\/\/ is not known/],
    ['mongo://chains?id_field=name', /lacks the collection/],
    ['mongo:///signed', /lacks the database/],
    ['mongo://a/b?idfield=name', /has the parameter idfield, which is not known/],
    ['firestore://projects/p/databases/d/documents/chains', /lacks name_field/],
    ['firestore://p/chains?name_field=name', /lacks projects\/…/],
    ['dynamodb://signed', /lacks partition_key/],
    ['dynamodb://signed/x?partition_key=Name', /has the path x after the table/],
  ])('refuses %s', (url, error) => expect(() => parseCollection(url)).toThrow(error));
});
