/**
 * What Chains writes with Sigstore's services, judged by strangers: both lines of the real cosign, against the log, by
 * identity and issuer, by timestamps.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COSIGN_LINES } from '../../hack/sigstore/cosign.ts';
import { createTestIssuer, serviceAccountIdentity } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import type { SigningSecret } from '../../src/chains/signing/file-key.ts';
import { chainsConfig, finishedTaskRun, signAndStore, signingSecret } from './our-signing.ts';
import { layersOf } from './tampering.ts';
import { createWorld, expectRefusal, KEY_PASSWORD, trusting, type World } from './world.ts';

const issuer = createTestIssuer();
const identity = serviceAccountIdentity('tekton-chains', 'tekton-chains-controller');
let world: World;
let sigstore: Sigstore;

beforeAll(async () => {
  world = await createWorld();
  sigstore = await startSigstore({ issuer, fulcio: true, rekor: true, rekorTiles: true, timestampAuthority: true });
});
afterAll(async () => {
  await sigstore?.stop();
  await world?.stop();
});

const secret = () => signingSecret(world.key, KEY_PASSWORD);
const token = () => issuer.serviceAccountToken('tekton-chains', 'tekton-chains-controller');
const withKey = () => ['--key', `${world.key}.pub`];
const as = (name = identity, by = issuer.url) => ['--certificate-identity', name, '--certificate-oidc-issuer', by];
const inLog = () => ({ 'transparency.enabled': 'true', 'transparency.url': sigstore.rekorUrl ?? '' });
const byFulcio = () => ({
  'signers.x509.fulcio.enabled': 'true',
  'signers.x509.fulcio.address': sigstore.fulcioUrl ?? '',
  'signers.x509.fulcio.provider': 'envvar',
});
const bundles = { 'storage.oci.encoding-format': 'sigstore-bundle' };

describe('with a key, in Rekor', () => {
  it.each(COSIGN_LINES)('cosign %s finds both in the log', async (line) => {
    const image = await world.image();
    const signed = await signAndStore(finishedTaskRun(image.reference), chainsConfig(inLog()), await secret());
    expect(signed.map(({ logEntry }) => typeof logEntry?.logIndex)).toEqual(['number', 'number']);
    const { cosign, flags } = await trusting(world, sigstore, line, 'classic');
    await cosign.run('verify', ...flags, ...withKey(), image.reference);
    await cosign.run('verify-attestation', ...flags, ...withKey(), '--type', 'slsaprovenance', image.reference);
  });

  it('an upload that is repeated finds its entry again', async () => {
    const image = await world.image();
    const signed = await signAndStore(finishedTaskRun(image.reference), chainsConfig(inLog()), await secret(), {
      repeat: 3,
    });
    for (const { logEntry, logEntries } of signed) {
      expect(logEntries).toHaveLength(3);
      expect(logEntries.map(({ uuid, logIndex, integratedTime }) => ({ uuid, logIndex, integratedTime }))).toEqual(
        Array.from({ length: 3 }, () => ({
          uuid: logEntry?.uuid,
          logIndex: logEntry?.logIndex,
          integratedTime: logEntry?.integratedTime,
        })),
      );
    }
  });

  it('the entry that the annotation will name is there', async () => {
    const image = await world.image();
    const [attestation] = await signAndStore(finishedTaskRun(image.reference), chainsConfig(inLog()), await secret());
    const answer = await fetch(attestation?.logEntry?.url ?? '');
    const [entry] = Object.values((await answer.json()) as Record<string, { body: string; logIndex: number }>);
    expect(entry?.logIndex).toBe(attestation?.logEntry?.logIndex);
    expect(JSON.parse(Buffer.from(entry?.body ?? '', 'base64').toString())).toMatchObject({
      kind: 'dsse',
      apiVersion: '0.0.1',
    });
  });
});

describe('keyless: ServiceAccount token, Fulcio, Rekor', () => {
  const settings = () => chainsConfig({ ...byFulcio(), ...inLog(), 'artifacts.taskrun.format': 'slsa/v2alpha4' });
  const type = ['--type', 'slsaprovenance1'];

  it.each(COSIGN_LINES)('cosign %s accepts by identity and issuer, and refuses others', async (line) => {
    const image = await world.image();
    await signAndStore(finishedTaskRun(image.reference), settings(), {}, { token: token() });
    const { cosign, flags } = await trusting(world, sigstore, line, 'classic');
    await cosign.run('verify', ...flags, ...as(), image.reference);
    await cosign.run('verify-attestation', ...flags, ...as(), ...type, image.reference);
    for (const wrong of [as(serviceAccountIdentity('other', 'other')), as(identity, 'https://other.example.com')]) {
      const message = /none of the expected identities matched|no matching CertificateIdentity/i;
      expectRefusal(await cosign.try('verify', ...flags, ...wrong, image.reference), message);
      expectRefusal(await cosign.try('verify-attestation', ...flags, ...wrong, ...type, image.reference), message);
    }
  });

  it.each(COSIGN_LINES)('bundles: cosign %s accepts by identity and issuer', async (line) => {
    const image = await world.image();
    await signAndStore(
      finishedTaskRun(image.reference),
      { ...settings(), storage: chainsConfig(bundles).storage },
      {},
      { token: token() },
    );
    const { cosign, flags } = await trusting(world, sigstore, line, 'bundle');
    await cosign.run('verify', ...flags, ...as(), image.reference);
    await cosign.run('verify-attestation', ...flags, ...as(), ...type, image.reference);
  });

  it.each(COSIGN_LINES)(
    'with timestamps in place of the log: cosign %s accepts, and refuses those of something else',
    async (line) => {
      const stamped = chainsConfig({
        ...byFulcio(),
        'transparency.timestamp-url': sigstore.tsaUrl ?? '',
        'artifacts.taskrun.format': 'slsa/v2alpha4',
      });
      const { cosign, flags } = await trusting(world, sigstore, line, 'classic');
      const stamps = [...flags, ...as(), '--insecure-ignore-tlog=true', '--use-signed-timestamps'];
      const image = await world.image();
      await signAndStore(finishedTaskRun(image.reference), stamped, {}, { token: token() });
      await cosign.run('verify', ...stamps, image.reference);
      await cosign.run('verify-attestation', ...stamps, ...type, image.reference);

      const other = await world.image();
      await signAndStore(
        finishedTaskRun(other.reference),
        stamped,
        {},
        { token: token(), stampOver: Buffer.from('something else') },
      );
      expectRefusal(await cosign.try('verify', ...stamps, other.reference), /timestamp/i);
      expectRefusal(await cosign.try('verify-attestation', ...stamps, ...type, other.reference), /timestamp/i);
    },
  );

  it('Fulcio refuses a stranger, and nothing is written', async () => {
    const image = await world.image();
    const stranger = createTestIssuer().serviceAccountToken('tekton-chains', 'tekton-chains-controller');
    await expect(signAndStore(finishedTaskRun(image.reference), settings(), {}, { token: stranger })).rejects.toThrow(
      /fulcio/i,
    );
    expect(await layersOf(image, 'sig')).toEqual([]);
  });
});

describe('Rekor v2 and timestamps, in bundles', () => {
  const settings = (more = {}) =>
    chainsConfig({
      'storage.oci.encoding-format': 'sigstore-bundle',
      'transparency.enabled': 'true',
      'transparency.api': 'v2',
      'transparency.url': sigstore.rekorTilesUrl ?? '',
      'transparency.timestamp-url': sigstore.tsaUrl ?? '',
      ...more,
    });

  it.each([
    ['keyless', () => signed(byFulcio(), {}), () => as()],
    ['with a key', async () => signed({}, await secret()), withKey],
  ])('%s: cosign v3 accepts, and refuses without the log', async (_name, sign, who) => {
    const image = await sign();
    const { cosign, flags } = await trusting(world, sigstore, 'v3', 'bundle');
    await cosign.run('verify', ...flags, ...who(), image.reference);
    await cosign.run('verify-attestation', ...flags, ...who(), '--type', 'slsaprovenance', image.reference);

    const root = JSON.parse(await readFile(sigstore.trustedRootPath, 'utf8')) as { tlogs: { baseUrl: string }[] };
    const without = { ...root, tlogs: root.tlogs.filter(({ baseUrl }) => baseUrl !== sigstore.rekorTilesUrl) };
    const distrusting = ['--allow-http-registry', '--trusted-root', await world.file('without-rekor-v2.json', without)];
    expectRefusal(await cosign.try('verify', ...distrusting, ...who(), image.reference), /log/i);
  });

  async function signed(more: object, key: SigningSecret) {
    const image = await world.image();
    const entries = await signAndStore(finishedTaskRun(image.reference), settings(more), key, { token: token() });
    // v2 leaves the time to the timestamp authority.
    expect(entries.map(({ logEntry }) => logEntry?.integratedTime)).toEqual([0, 0]);
    return image;
  }

  it('cosign v3 signs and verifies with them too', async () => {
    const image = await world.image();
    const flags = [
      '--signing-config',
      sigstore.signingConfigPath,
      '--trusted-root',
      sigstore.trustedRootPath,
      '--allow-http-registry',
    ];
    await world.cosigns.v3.run('sign', ...flags, '--identity-token', token(), '-y', image.reference);
    const trusted = await trusting(world, sigstore, 'v3', 'bundle');
    await trusted.cosign.run('verify', ...trusted.flags, ...as(), image.reference);
  });
});
