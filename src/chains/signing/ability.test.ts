import { expect, test } from 'vitest';
import { parseChainsConfig } from '../config/parse.ts';
import { hasSigner } from './ability.ts';

const key = Buffer.from('key');

test.each<{ name: string; config?: Record<string, string>; secret?: Record<string, Uint8Array>; has: boolean }>([
  { name: 'nothing', has: false },
  { name: 'a password and a public key', secret: { 'cosign.password': key, 'cosign.pub': key }, has: false },
  { name: 'a cosign key', secret: { 'cosign.key': key }, has: true },
  { name: 'an x509 key', secret: { 'x509.pem': key }, has: true },
  { name: 'Fulcio', config: { 'signers.x509.fulcio.enabled': 'true' }, has: true },
  {
    name: 'a KMS for images',
    config: { 'artifacts.oci.signer': 'kms', 'signers.kms.kmsref': 'gcpkms://projects/p' },
    has: true,
  },
  {
    name: 'a KMS that no artifact is signed with',
    config: { 'signers.kms.kmsref': 'gcpkms://projects/p' },
    has: false,
  },
  { name: 'no signer for anything', config: allSigners('none'), has: false },
  { name: 'a key for one namespace', config: { 'signing.namespaces': 'team: { secret: team-key }' }, has: true },
  {
    name: 'repositories of a namespace',
    config: { 'signing.namespaces': 'team: { repositories: [registry.example.com/b] }' },
    has: false,
  },
  { name: 'something for a namespace that cannot be read', config: { 'signing.namespaces': 'team: 7' }, has: true },
  { name: 'formats and storage alone', config: { 'artifacts.taskrun.storage': 'oci' }, has: false },
])('$name', ({ config = {}, secret = {}, has }) => {
  expect(hasSigner(parseChainsConfig(config).config, secret)).toBe(has);
});

function allSigners(signer: string): Record<string, string> {
  return Object.fromEntries(['taskrun', 'pipelinerun', 'oci'].map((kind) => [`artifacts.${kind}.signer`, signer]));
}
