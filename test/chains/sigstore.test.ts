import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COSIGN_LINES, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { createTestIssuer, serviceAccountIdentity } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import { tamper } from './tampering.ts';
import { createWorld, expectRefusal, PREDICATES, trusting, type World } from './world.ts';

const REGISTRY = ['--allow-http-registry'];
const identity = serviceAccountIdentity('tekton-chains', 'tekton-chains-controller');
const issuer = createTestIssuer();
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

/** The format before bundles: .sig and .att. v3 has to be asked for it. */
const classic = (line: CosignLine): string[] =>
  line === 'v3' ? ['--new-bundle-format=false', '--use-signing-config=false'] : [];
const pairs = COSIGN_LINES.flatMap((signer) => COSIGN_LINES.map((verifier) => [signer, verifier] as const));

describe('a key, no log', () => {
  const offline = () => ['--key', `${world.key}.pub`, '--insecure-ignore-tlog=true', ...REGISTRY];

  it.each(pairs)('what cosign %s signs and attests, cosign %s accepts', async (signer, verifier) => {
    const image = await world.image();
    const sign = ['--key', `${world.key}.key`, '--tlog-upload=false', '-y', ...classic(signer), ...REGISTRY];
    await world.cosigns[signer].run('sign', ...sign, image.reference);
    for (const [type, predicate] of Object.entries(PREDICATES)) {
      await world.cosigns[signer].run(
        'attest',
        ...sign,
        '--type',
        type,
        '--predicate',
        await world.file(`${type}.json`, predicate),
        image.reference,
      );
    }
    expect(await world.cosigns[verifier].run('verify', ...offline(), image.reference)).toContain(image.digest);
    for (const type of Object.keys(PREDICATES)) {
      const verified = await world.cosigns[verifier].run(
        'verify-attestation',
        ...offline(),
        '--type',
        type,
        image.reference,
      );
      expect(JSON.parse(verified)).toMatchObject({ payloadType: 'application/vnd.in-toto+json' });
    }
  });

  it.each(COSIGN_LINES)('cosign %s refuses a signature by another key', async (line) => {
    const image = await world.image();
    await world.cosigns.v3.run(
      'sign',
      '--key',
      `${world.otherKey}.key`,
      '--tlog-upload=false',
      '-y',
      ...classic('v3'),
      ...REGISTRY,
      image.reference,
    );
    expectRefusal(await world.cosigns[line].try('verify', ...offline(), image.reference), /invalid signature/);
  });

  it.each(COSIGN_LINES)("cosign %s refuses another image's signature", async (line) => {
    const signed = await world.image();
    const other = await world.image();
    await world.cosigns.v3.run(
      'sign',
      '--key',
      `${world.key}.key`,
      '--tlog-upload=false',
      '-y',
      ...classic('v3'),
      ...REGISTRY,
      signed.reference,
    );
    await tamper("another image's signature", other, signed);
    expectRefusal(await world.cosigns[line].try('verify', ...offline(), other.reference), /digest|claim/i);
  });
});

describe('keyless: a ServiceAccount token, Fulcio, a certificate log and Rekor', () => {
  const token = () => issuer.serviceAccountToken('tekton-chains', 'tekton-chains-controller');
  const as = (name = identity, by = issuer.url) => ['--certificate-identity', name, '--certificate-oidc-issuer', by];
  const formOf = (line: CosignLine) => (line === 'v3' ? 'bundle' : 'classic');

  /** The flags of a keyless signature by a line of cosign, in its own favourite form. */
  function keyless(line: CosignLine): string[] {
    const common = ['--identity-token', token(), '-y', ...REGISTRY];
    if (line === 'v3')
      return [...common, '--signing-config', sigstore.signingConfigPath, '--trusted-root', sigstore.trustedRootPath];
    return [
      ...common,
      '--fulcio-url',
      sigstore.fulcioUrl ?? '',
      '--rekor-url',
      sigstore.rekorUrl ?? '',
      '--trusted-root',
      sigstore.trustedRootPath,
    ];
  }

  it.each(pairs)(
    'what cosign %s signs and attests, cosign %s accepts by identity and issuer',
    async (signer, verifier) => {
      const image = await world.image();
      await world.cosigns[signer].run('sign', ...keyless(signer), image.reference);
      const predicate = await world.file('slsaprovenance1.json', PREDICATES.slsaprovenance1);
      await world.cosigns[signer].run(
        'attest',
        ...keyless(signer),
        '--type',
        'slsaprovenance1',
        '--predicate',
        predicate,
        image.reference,
      );

      const { cosign, flags } = await trusting(world, sigstore, verifier, formOf(signer));
      expect(await cosign.run('verify', ...flags, ...as(), image.reference)).toContain(image.digest);
      await cosign.run('verify-attestation', ...flags, ...as(), '--type', 'slsaprovenance1', image.reference);
    },
  );

  it.each(COSIGN_LINES)('cosign %s refuses another identity and another issuer', async (line) => {
    const image = await world.image();
    await world.cosigns[line].run('sign', ...keyless(line), image.reference);
    const { cosign, flags } = await trusting(world, sigstore, line, formOf(line));
    for (const wrong of [
      as(serviceAccountIdentity('tekton-chains', 'default')),
      as(identity, 'https://kubernetes.example.com'),
    ]) {
      expectRefusal(
        await cosign.try('verify', ...flags, ...wrong, image.reference),
        /none of the expected identities matched|no matching CertificateIdentity/i,
      );
    }
  });

  it.each([
    [
      "signed by a key that is not the issuer's",
      () => createTestIssuer().serviceAccountToken('a', 'b'),
      /token|signature/i,
    ],
    ['for another audience', () => issuer.serviceAccountToken('a', 'b', { audience: 'kubernetes' }), /audience|token/i],
    [
      'that has expired',
      () => issuer.serviceAccountToken('a', 'b', { now: new Date(Date.now() - 7_200_000) }),
      /expired|token/i,
    ],
  ])('Fulcio refuses a token %s', async (_name, wrong, message) => {
    const body = JSON.stringify({
      credentials: { oidcIdentityToken: wrong() },
      publicKeyRequest: { publicKey: { content: 'x' }, proofOfPossession: 'eA==' },
    });
    const answer = await fetch(`${sigstore.fulcioUrl}/api/v2/signingCert`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await answer.text()).toMatch(message);
  });
});

describe('a key, with Rekor', () => {
  it.each(pairs)("cosign %s's signature is found in the log by cosign %s", async (signer, verifier) => {
    const image = await world.image();
    const log =
      signer === 'v3'
        ? [...classic('v3'), '--rekor-url', sigstore.rekorUrl ?? '']
        : ['--rekor-url', sigstore.rekorUrl ?? ''];
    const trust = ['--trusted-root', sigstore.trustedRootPath];
    await world.cosigns[signer].run(
      'sign',
      '--key',
      `${world.key}.key`,
      '-y',
      ...log,
      ...trust,
      ...REGISTRY,
      image.reference,
    );
    const { cosign, flags } = await trusting(world, sigstore, verifier, 'classic');
    await cosign.run('verify', '--key', `${world.key}.pub`, ...flags, image.reference);
  });

  it('cosign v3 refuses a signature that is not in the log', async () => {
    const image = await world.image();
    await world.cosigns.v3.run(
      'sign',
      '--key',
      `${world.key}.key`,
      '-y',
      '--tlog-upload=false',
      ...classic('v3'),
      ...REGISTRY,
      image.reference,
    );
    expectRefusal(
      await world.cosigns.v3.try(
        'verify',
        '--key',
        `${world.key}.pub`,
        '--trusted-root',
        sigstore.trustedRootPath,
        '--rekor-url',
        sigstore.rekorUrl ?? '',
        ...REGISTRY,
        image.reference,
      ),
      /log entr|transparency log|tlog/i,
    );
  });
});

describe('the files that carry trust', () => {
  it('name every service that runs', async () => {
    const root = JSON.parse(await readFile(sigstore.trustedRootPath, 'utf8')) as Record<string, unknown[]>;
    expect([
      root['tlogs']?.length,
      root['certificateAuthorities']?.length,
      root['ctlogs']?.length,
      root['timestampAuthorities']?.length,
    ]).toEqual([1, 1, 1, 1]);
  });
});
