/** What Chains writes with Sigstore's services, judged by strangers: both lines of the real cosign, against the log, by identity and issuer, by timestamps. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COSIGN_LINES, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { createTestIssuer, serviceAccountIdentity } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import { chainsConfig, finishedTaskRun, signAndStore, signingSecret } from './our-signing.ts';
import { layersOf } from './tampering.ts';
import { createWorld, expectRefusal, KEY_PASSWORD, type World } from './world.ts';

const issuer = createTestIssuer();
const identity = serviceAccountIdentity('tekton-chains', 'tekton-chains-controller');
let world: World;
let sigstore: Sigstore;

beforeAll(async () => {
  world = await createWorld();
  sigstore = await startSigstore({ issuer, fulcio: true, rekor: true, timestampAuthority: true });
});
afterAll(async () => {
  await sigstore?.stop();
  await world?.stop();
});

const secret = () => signingSecret(world.key, KEY_PASSWORD);
const token = () => issuer.serviceAccountToken('tekton-chains', 'tekton-chains-controller');
const logged = () => ['--key', `${world.key}.pub`, '--trusted-root', sigstore.trustedRootPath, '--allow-http-registry'];
const keyless = (name = identity, by = issuer.url) => ['--trusted-root', sigstore.trustedRootPath, '--certificate-identity', name, '--certificate-oidc-issuer', by, '--allow-http-registry'];
const inLog = () => ({ 'transparency.enabled': 'true', 'transparency.url': sigstore.rekorUrl ?? '' });
const byFulcio = () => ({ 'signers.x509.fulcio.enabled': 'true', 'signers.x509.fulcio.address': sigstore.fulcioUrl ?? '', 'signers.x509.fulcio.provider': 'envvar' });
const bundles = { 'storage.oci.encoding-format': 'sigstore-bundle' };

/** v2 looks for bundles only when told so. */
const asBundle = (line: CosignLine): string[] => (line === 'v2' ? ['--new-bundle-format'] : []);

describe('with a key, in Rekor', () => {
  it.each(COSIGN_LINES)('cosign %s finds both in the log', async (line) => {
    const image = await world.image();
    const signed = await signAndStore(finishedTaskRun(image.reference), chainsConfig(inLog()), await secret());
    expect(signed.map(({ logEntry }) => typeof logEntry?.logIndex)).toEqual(['number', 'number']);
    await world.cosigns[line].run('verify', ...logged(), image.reference);
    await world.cosigns[line].run('verify-attestation', ...logged(), '--type', 'slsaprovenance', image.reference);
  });

  it('the entry that the annotation will name is there', async () => {
    const image = await world.image();
    const [attestation] = await signAndStore(finishedTaskRun(image.reference), chainsConfig(inLog()), await secret());
    const answer = await fetch(attestation?.logEntry?.url ?? '');
    const [entry] = Object.values((await answer.json()) as Record<string, { body: string; logIndex: number }>);
    expect(entry?.logIndex).toBe(attestation?.logEntry?.logIndex);
    expect(JSON.parse(Buffer.from(entry?.body ?? '', 'base64').toString())).toMatchObject({ kind: 'dsse', apiVersion: '0.0.1' });
  });
});

describe('keyless: ServiceAccount token, Fulcio, Rekor', () => {
  const settings = () => chainsConfig({ ...byFulcio(), ...inLog(), 'artifacts.taskrun.format': 'slsa/v2alpha4' });
  const type = ['--type', 'slsaprovenance1'];

  it.each(COSIGN_LINES)('cosign %s accepts by identity and issuer, and refuses others', async (line) => {
    const image = await world.image();
    await signAndStore(finishedTaskRun(image.reference), settings(), {}, { token: token() });
    await world.cosigns[line].run('verify', ...keyless(), image.reference);
    await world.cosigns[line].run('verify-attestation', ...keyless(), ...type, image.reference);
    for (const wrong of [keyless(serviceAccountIdentity('other', 'other')), keyless(identity, 'https://other.example.com')]) {
      const message = /none of the expected identities matched|no matching CertificateIdentity/i;
      expectRefusal(await world.cosigns[line].try('verify', ...wrong, image.reference), message);
      expectRefusal(await world.cosigns[line].try('verify-attestation', ...wrong, ...type, image.reference), message);
    }
  });

  it.each(COSIGN_LINES)('bundles: cosign %s accepts by identity and issuer', async (line) => {
    const image = await world.image();
    await signAndStore(finishedTaskRun(image.reference), { ...settings(), storage: chainsConfig(bundles).storage }, {}, { token: token() });
    await world.cosigns[line].run('verify', ...keyless(), ...asBundle(line), image.reference);
    await world.cosigns[line].run('verify-attestation', ...keyless(), ...asBundle(line), ...type, image.reference);
  });

  it.each(COSIGN_LINES)('with timestamps in place of the log: cosign %s accepts', async (line) => {
    const image = await world.image();
    const stamped = chainsConfig({ ...byFulcio(), 'transparency.timestamp-url': sigstore.tsaUrl ?? '', 'artifacts.taskrun.format': 'slsa/v2alpha4' });
    await signAndStore(finishedTaskRun(image.reference), stamped, {}, { token: token() });
    const flags = [...keyless(), '--insecure-ignore-tlog=true', '--use-signed-timestamps'];
    await world.cosigns[line].run('verify', ...flags, image.reference);
    await world.cosigns[line].run('verify-attestation', ...flags, ...type, image.reference);
  });

  it('Fulcio refuses a stranger, and nothing is written', async () => {
    const image = await world.image();
    const stranger = createTestIssuer().serviceAccountToken('tekton-chains', 'tekton-chains-controller');
    await expect(signAndStore(finishedTaskRun(image.reference), settings(), {}, { token: stranger })).rejects.toThrow(/fulcio/i);
    expect(await layersOf(image, 'sig')).toEqual([]);
  });
});
