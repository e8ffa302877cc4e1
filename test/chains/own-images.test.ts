/** Our own images as a release pushes them: cosign is asked for their signature, bill of materials and provenance. */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attest } from '../../hack/image-attest/attest.ts';
import { ARCHITECTURES } from '../../hack/image-build/architecture.ts';
import { createBuilder } from '../../hack/image-build/builder.ts';
import { contextFrom } from '../../hack/image-build/context.ts';
import { createIndexBuilder } from '../../hack/image-build/index-builder.ts';
import { INDEX_TYPE, MANIFEST_TYPE, type Descriptor } from '../../hack/image-build/oci.ts';
import { imageRecipes, selectRecipes } from '../../hack/image-build/recipes.ts';
import { openRegistry, pushOciLayout } from '../../hack/image-build/registry.ts';
import { readTar } from '../../hack/image-build/tar.ts';
import { tool } from '../../hack/one-node/binaries.ts';
import { createWorld, KEY_PASSWORD, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

interface Envelope {
  payload: string;
}

/** The predicate of the one attestation that cosign verified. */
function predicateIn(printed: string): Record<string, unknown> {
  const [line = ''] = printed.trim().split('\n').slice(-1);
  const { payload } = JSON.parse(line) as Envelope;
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Record<string, unknown> }).predicate;
}

it('are signed, and say what is in them and what they were made from', async () => {
  const context = contextFrom(process.env);
  const [recipe] = selectRecipes(await imageRecipes(context.root), ['entrypoint']);
  if (recipe === undefined) throw new Error('there is no image entrypoint');
  const built = await (await createBuilder(context, () => performance.now())).build(recipe);
  const host = world.registries.distribution;
  const registry = openRegistry(`http://${host}`);
  await pushOciLayout(built.dir, registry, 'tektite/entrypoint', recipe.tags);
  await registry.close();
  const reference = `${host}/tektite/entrypoint@${built.digest}`;
  const sources = { commit: 'a'.repeat(40), locks: { 'package-lock.json': 'b'.repeat(64) } };
  const offline = ['--tlog-upload=false', '--use-signing-config=false', '--allow-http-registry'];
  process.env['COSIGN_PASSWORD'] = KEY_PASSWORD;
  const signing = { program: await tool('cosign-v3'), flags: ['--key', `${world.key}.key`, ...offline] };
  await attest({ recipe, digest: built.digest, reference, sources }, context, signing);

  const asked = ['--key', `${world.key}.pub`, '--insecure-ignore-tlog=true', '--allow-http-registry'];
  await world.cosigns.v3.run('verify', ...asked, reference);
  const verified = async (type: string) =>
    predicateIn(await world.cosigns.v3.run('verify-attestation', ...asked, '--type', type, reference));
  const bill = (await verified('cyclonedx')) as { bomFormat: string; components: { purl: string }[] };
  expect(bill.bomFormat).toBe('CycloneDX');
  expect(bill.components.map(({ purl }) => purl.replace(/@.*/, ''))).toEqual(
    expect.arrayContaining(['pkg:golang/stdlib', 'pkg:golang/cel.dev/cel-go']),
  );
  expect(await verified('slsaprovenance1')).toMatchObject({
    buildDefinition: {
      resolvedDependencies: [{ digest: { gitCommit: sources.commit } }, { name: 'package-lock.json' }],
    },
  });
}, 300_000);

it('are for both processors, each with programs of its own', async () => {
  const contexts = ARCHITECTURES.map((architecture) => contextFrom(process.env, architecture));
  const [recipe] = selectRecipes(await imageRecipes(contexts[0]?.root ?? ''), ['entrypoint']);
  if (recipe === undefined) throw new Error('there is no image entrypoint');
  const built = await (await createIndexBuilder(contexts, () => performance.now())).build(recipe);
  const at = `http://${world.registries.distribution}/v2/tektite/both`;
  const registry = openRegistry(`http://${world.registries.distribution}`);
  await pushOciLayout(built.dir, registry, 'tektite/both', ['1']);
  await registry.close();

  const manifest = async <T>(reference: string, type: string) =>
    (await (await fetch(`${at}/manifests/${reference}`, { headers: { accept: type } })).json()) as T;
  const blob = async (digest: string) => Buffer.from(await (await fetch(`${at}/blobs/${digest}`)).arrayBuffer());
  const index = await manifest<{ manifests: Descriptor[] }>('1', INDEX_TYPE);
  expect(index.manifests.map(({ platform }) => platform)).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux' },
  ]);
  const machines = { amd64: 62, arm64: 183 }; // as ELF numbers them
  for (const { digest, platform } of index.manifests) {
    const found = await manifest<{ config: Descriptor; layers: Descriptor[] }>(digest, MANIFEST_TYPE);
    expect(JSON.parse((await blob(found.config.digest)).toString())).toMatchObject(platform ?? {});
    const programs = await readTar(gunzipSync(await blob(found.layers.at(-1)?.digest ?? '')));
    const machine = programs
      .filter(({ type }) => type === 'file')
      .map(({ path, body }) => [path, body?.readUInt16LE(18)]);
    expect(machine).toEqual(
      ['entrypoint', 'entrypoint-cel', 'entrypoint-spire', 'nop'].map((name) => [
        `ko-app/${name}`,
        machines[platform?.architecture as keyof typeof machines],
      ]),
    );
  }
}, 600_000);
