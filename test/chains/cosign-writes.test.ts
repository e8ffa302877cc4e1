/**
 * What both lines of cosign write into a registry: reviewed facts in golden/cosign-writes.json, which our own storage
 * is written after. A new cosign that writes something else fails here first. `vitest -u` records anew: review the
 * difference.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestIssuer } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import type { RegistryKind } from '../../hack/sigstore/local-registry.ts';
import type { CosignLine } from '../../hack/sigstore/cosign.ts';
import { writtenFor } from './normalise.ts';
import { createWorld, PREDICATES, type World } from './world.ts';

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

interface Writing {
  readonly line: CosignLine;
  readonly name: string;
  readonly registry?: RegistryKind;
  readonly flags: () => string[];
}

const withKey = () => ['--key', `${world.key}.key`];
const asServiceAccount = () => [
  '--identity-token',
  issuer.serviceAccountToken('tekton-chains', 'tekton-chains-controller'),
];
const noLog = () => ['--tlog-upload=false'];
const urls = () => ['--fulcio-url', sigstore.fulcioUrl ?? '', '--rekor-url', sigstore.rekorUrl ?? ''];
const trust = () => ['--trusted-root', sigstore.trustedRootPath];
const classic = ['--new-bundle-format=false', '--use-signing-config=false'];

const writings: Writing[] = [
  { line: 'v2', name: 'key', flags: () => [...withKey(), ...noLog()] },
  { line: 'v2', name: 'key, Rekor', flags: () => [...withKey(), '--rekor-url', sigstore.rekorUrl ?? '', ...trust()] },
  { line: 'v2', name: 'keyless, Rekor', flags: () => [...asServiceAccount(), ...urls(), ...trust()] },
  {
    line: 'v2',
    name: 'keyless, Rekor, timestamp',
    flags: () => [...asServiceAccount(), ...urls(), ...trust(), '--timestamp-server-url', sigstore.tsaUrl ?? ''],
  },
  { line: 'v3', name: 'key, classic', flags: () => [...withKey(), ...noLog(), ...classic] },
  {
    line: 'v3',
    name: 'keyless, Rekor, classic',
    flags: () => [...asServiceAccount(), ...urls(), ...trust(), ...classic],
  },
  { line: 'v3', name: 'key, bundle', flags: () => [...withKey(), ...noLog(), '--use-signing-config=false'] },
  {
    line: 'v3',
    name: 'key, bundle, registry with the referrers API',
    registry: 'referrers',
    flags: () => [...withKey(), ...noLog(), '--use-signing-config=false'],
  },
  {
    line: 'v3',
    name: 'keyless, Rekor and timestamp, bundle',
    flags: () => [...asServiceAccount(), '--signing-config', sigstore.signingConfigPath, ...trust()],
  },
];

it('writes what was reviewed', async () => {
  const facts: Record<string, unknown> = {};
  for (const { line, name, registry, flags } of writings) {
    const image = await world.image(registry);
    const cosign = world.cosigns[line];
    const common = ['-y', '--allow-http-registry'];
    await cosign.run('sign', ...flags(), ...common, image.reference);
    const predicate = await world.file('predicate.json', PREDICATES.slsaprovenance1);
    await cosign.run(
      'attest',
      ...flags(),
      ...common,
      '--type',
      'slsaprovenance1',
      '--predicate',
      predicate,
      image.reference,
    );
    facts[`cosign ${line}: ${name}`] = await writtenFor(image);
  }
  await expect(`${JSON.stringify(facts, null, 2)}\n`).toMatchFileSnapshot('golden/cosign-writes.json');
});
