/**
 * Keyless with what a pod really has: a ServiceAccount token that a real API server made, and the keys it publishes.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tool } from '../../hack/one-node/binaries.ts';
import { COSIGN_LINES } from '../../hack/sigstore/cosign.ts';
import { AUDIENCE, clusterIssuer, serviceAccountIdentity, type Issuer } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import { chainsConfig, finishedTaskRun, signAndStore } from './our-signing.ts';
import { createWorld, trusting, type World } from './world.ts';

const controlPlane = 'tektite-test-chains';
const own = process.env['TEKTITE_TEST_KUBECONFIG'] === undefined;
const account = 'keyless-signer';
let kubeconfig: string;
let issuer: Issuer;
let world: World;
let sigstore: Sigstore;

const run = async (command: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(command, args)).stdout.trim();
const cluster = (...args: string[]) =>
  run(path.resolve(import.meta.dirname, '../../hack/cluster'), ...args, '--name', controlPlane);
const kubectl = async (...args: string[]) =>
  run(await tool('kubectl'), '--kubeconfig', kubeconfig, '--namespace', 'default', ...args);

beforeAll(async () => {
  if (own) await cluster('up', '--control-plane');
  kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'] ?? (await cluster('kubeconfig'));
  issuer = await clusterIssuer(kubeconfig);
  world = await createWorld();
  await kubectl('create', 'serviceaccount', account);
  sigstore = await startSigstore({ issuer, fulcio: true, rekor: true });
});
afterAll(async () => {
  await sigstore?.stop();
  await world?.stop();
  if (own) await cluster('down');
  else await kubectl('delete', 'serviceaccount', account, '--ignore-not-found');
});

it('Chains signs as the ServiceAccount, and both cosigns know it by identity and issuer', async () => {
  const token = await kubectl('create', 'token', account, '--audience', AUDIENCE, '--duration', '600s');
  const settings = chainsConfig({
    'signers.x509.fulcio.enabled': 'true',
    'signers.x509.fulcio.address': sigstore.fulcioUrl ?? '',
    'signers.x509.fulcio.provider': 'envvar',
    'transparency.enabled': 'true',
    'transparency.url': sigstore.rekorUrl ?? '',
  });
  const image = await world.image();
  await signAndStore(finishedTaskRun(image.reference), settings, {}, { token });
  for (const line of COSIGN_LINES) {
    const { cosign, flags } = await trusting(world, sigstore, line, 'classic');
    const who = [
      '--certificate-identity',
      serviceAccountIdentity('default', account),
      '--certificate-oidc-issuer',
      issuer.url,
    ];
    expect(await cosign.run('verify', ...flags, ...who, image.reference)).toContain(image.digest);
    await cosign.run('verify-attestation', ...flags, ...who, '--type', 'slsaprovenance', image.reference);
  }
});

it('Fulcio refuses a token for the API server itself', async () => {
  const token = await kubectl('create', 'token', account);
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: { publicKey: { content: 'x' }, proofOfPossession: 'eA==' },
  });
  const answer = await fetch(`${sigstore.fulcioUrl}/api/v2/signingCert`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(await answer.text()).toContain('error processing the identity token');
});
