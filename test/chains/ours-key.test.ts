/**
 * What Chains writes with a key, judged by strangers: both lines of the real cosign accept it, and refuse what was
 * tampered with.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COSIGN_LINES, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { trustedRoot } from '../../hack/sigstore/trusted-root.ts';
import { chainsConfig, finishedTaskRun, signAndStore, signingSecret } from './our-signing.ts';
import { layersOf, tamper, type Tampering } from './tampering.ts';
import { createWorld, expectRefusal, KEY_PASSWORD, type World } from './world.ts';

let world: World;
let emptyRoot: string;

beforeAll(async () => {
  world = await createWorld();
  emptyRoot = await world.file('empty-root.json', trustedRoot({ transparencyLogs: [] }, new Date(0)));
});
afterAll(() => world?.stop());

const secret = () => signingSecret(world.key, KEY_PASSWORD);
const offline = () => ['--key', `${world.key}.pub`, '--insecure-ignore-tlog=true', '--allow-http-registry'];
const bundles = { 'storage.oci.encoding-format': 'sigstore-bundle' };

const formats = [
  ['in-toto', 'slsaprovenance'],
  ['slsa/v1', 'slsaprovenance'],
  ['slsa/v2alpha3', 'slsaprovenance1'],
  ['slsa/v2alpha4', 'slsaprovenance1'],
] as const;
const perLine = formats.flatMap(([format, type]) => COSIGN_LINES.map((line) => [format, type, line] as const));

/** v2 looks for bundles only when told so, and then wants a trusted root even where nothing of it is used. */
const asBundle = (line: CosignLine): string[] =>
  line === 'v2' ? ['--new-bundle-format', '--trusted-root', emptyRoot] : [];

describe('with a key', () => {
  it.each(perLine)('%s as --type %s: cosign %s accepts attestation and image signature', async (format, type, line) => {
    const image = await world.image();
    await signAndStore(
      finishedTaskRun(image.reference),
      chainsConfig({ 'artifacts.taskrun.format': format }),
      await secret(),
    );
    await world.cosigns[line].run('verify', ...offline(), image.reference);
    const verified = JSON.parse(
      await world.cosigns[line].run('verify-attestation', ...offline(), '--type', type, image.reference),
    ) as { payload: string };
    const statement = JSON.parse(Buffer.from(verified.payload, 'base64').toString()) as {
      subject: { digest: { sha256: string } }[];
    };
    expect(statement.subject.map(({ digest }) => `sha256:${digest.sha256}`)).toContain(image.digest);
  });

  it.each(COSIGN_LINES)(
    'bundles beside the image: cosign %s accepts both, in registries with and without the referrers API',
    async (line) => {
      for (const registry of ['distribution', 'referrers'] as const) {
        const image = await world.image(registry);
        await signAndStore(
          finishedTaskRun(image.reference),
          chainsConfig({ ...bundles, 'artifacts.taskrun.format': 'slsa/v2alpha4' }),
          await secret(),
        );
        await world.cosigns[line].run('verify', ...offline(), ...asBundle(line), image.reference);
        await world.cosigns[line].run(
          'verify-attestation',
          ...offline(),
          ...asBundle(line),
          '--type',
          'slsaprovenance1',
          image.reference,
        );
      }
    },
  );

  it('cosign v3 accepts the bundle of the image signature alone, without an attestation beside it', async () => {
    const image = await world.image();
    await signAndStore(
      finishedTaskRun(image.reference),
      chainsConfig({ ...bundles, 'artifacts.taskrun.storage': '' }),
      await secret(),
    );
    expect(await world.cosigns.v3.run('verify', ...offline(), image.reference)).toContain(
      'https://sigstore.dev/cosign/sign/v1',
    );
  });

  it('storing thrice leaves one layer each', async () => {
    const image = await world.image();
    await signAndStore(finishedTaskRun(image.reference), chainsConfig(), await secret(), { repeat: 3 });
    await signAndStore(finishedTaskRun(image.reference), chainsConfig(), await secret());
    expect([(await layersOf(image, 'sig')).length, (await layersOf(image, 'att')).length]).toEqual([1, 1]);
  });

  it.each(COSIGN_LINES)('cosign %s reads ours beside its own', async (line) => {
    const image = await world.image();
    const own = [
      '--key',
      `${world.otherKey}.key`,
      '--tlog-upload=false',
      '-y',
      '--allow-http-registry',
      ...(line === 'v3' ? ['--new-bundle-format=false', '--use-signing-config=false'] : []),
    ];
    await world.cosigns[line].run('sign', ...own, image.reference);
    await signAndStore(finishedTaskRun(image.reference), chainsConfig(), await secret());
    expect(await layersOf(image, 'sig')).toHaveLength(2);
    for (const key of [world.key, world.otherKey]) {
      await world.cosigns[line].run(
        'verify',
        '--key',
        `${key}.pub`,
        '--insecure-ignore-tlog=true',
        '--allow-http-registry',
        image.reference,
      );
    }
  });
});

describe('refused', () => {
  const refusals: [Tampering, 'verify' | 'verify-attestation', RegExp][] = [
    ['a changed image signature document', 'verify', /invalid signature/],
    ["another image's signature", 'verify', /digest|claim/i],
    ['a changed statement', 'verify-attestation', /accepted signatures do not match threshold/],
    ["another image's attestation", 'verify-attestation', /digest|claim|no valid/i],
  ];

  it.each(
    refusals.flatMap(([tampering, command, message]) =>
      COSIGN_LINES.map((line) => [tampering, line, command, message] as const),
    ),
  )('%s, by cosign %s', async (tampering, line, command, message) => {
    const image = await world.image();
    const other = await world.image();
    for (const { reference } of [image, other])
      await signAndStore(finishedTaskRun(reference), chainsConfig(), await secret());
    const type = command === 'verify' ? [] : ['--type', 'slsaprovenance'];
    await world.cosigns[line].run(command, ...offline(), ...type, image.reference);
    await tamper(tampering, image, other);
    expectRefusal(await world.cosigns[line].try(command, ...offline(), ...type, image.reference), message);
  });

  it.each(COSIGN_LINES)('another key, by cosign %s', async (line) => {
    const image = await world.image();
    await signAndStore(
      finishedTaskRun(image.reference),
      chainsConfig(),
      await signingSecret(world.otherKey, KEY_PASSWORD),
    );
    expectRefusal(await world.cosigns[line].try('verify', ...offline(), image.reference), /invalid signature/);
    expectRefusal(
      await world.cosigns[line].try('verify-attestation', ...offline(), '--type', 'slsaprovenance', image.reference),
      /accepted signatures do not match threshold/,
    );
  });
});
