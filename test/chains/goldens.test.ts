/**
 * The runs of the formats' golden statements, signed and read back by both cosigns: for `--type slsaprovenance` and
 * `slsaprovenance1` they decode the predicate into their own types, so that a field of a wrong type is refused here.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COSIGN_LINES } from '../../hack/sigstore/cosign.ts';
import { fixture } from '../../src/chains/formats/fixture.fake.ts';
import type { ImageSubject } from '../../src/chains/types.ts';
import { chainsConfig, signAndStore, signingSecret } from './our-signing.ts';
import { createWorld, KEY_PASSWORD, type World } from './world.ts';

const folder = path.resolve(import.meta.dirname, '../../src/chains/formats/golden');
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => path.basename(name, '.yaml'));
const formats = [
  ['slsa/v1', 'slsaprovenance'],
  ['slsa/v2alpha3', 'slsaprovenance1'],
  ['slsa/v2alpha4', 'slsaprovenance1'],
] as const;
/** Statements that name no image (v2alpha4 alone counts the results of steps): they have no place in a registry. */
const imageless = /^(task-failed|pipeline-remote) |^task-steps-and-sidecars slsa\/(v1|v2alpha3)$/;

let world: World;
beforeAll(async () => void (world = await createWorld()));
afterAll(() => world?.stop());

const rows = fixtures
  .flatMap((name) => formats.map(([format, type]) => [name, format, type] as const))
  .filter(([name, format]) => !imageless.test(`${name} ${format}`));

it.each(rows)('%s as %s: both cosigns accept it as %s', async (name, format, type) => {
  const { run, children, nested } = fixture(name);
  const host = world.registries.distribution;
  const config = chainsConfig({
    'artifacts.taskrun.format': format,
    'artifacts.pipelinerun.format': format,
    'artifacts.pipelinerun.storage': 'oci',
    'artifacts.pipelinerun.enable-deep-inspection': 'true',
  });
  const [attestation] = await signAndStore(run, config, await signingSecret(world.key, KEY_PASSWORD), {
    children,
    nested,
    withProblems: true,
    mirrors: { '*': `http://${host}` },
  });
  const subjects = attestation?.subjects ?? [];
  expect(subjects).not.toEqual([]);
  for (const line of COSIGN_LINES) {
    const { reference } = atMirror(subjects[subjects.length - 1] as ImageSubject, host);
    const flags = ['--key', `${world.key}.pub`, '--insecure-ignore-tlog=true', '--allow-http-registry', '--type', type];
    // One line for each attestation of this type: several runs of the goldens speak of the same image.
    const lines = (await world.cosigns[line].run('verify-attestation', ...flags, reference)).trim().split('\n');
    const payloads = lines.map((text) => (JSON.parse(text) as { payload: string }).payload);
    expect(payloads).toContain(Buffer.from(attestation?.payload ?? []).toString('base64'));
  }
});

/** The image as the mirror has it: the same repository without the registry's own name. */
function atMirror({ repository, digest }: ImageSubject, host: string): { reference: string } {
  return { reference: `${host}/${repository.slice(repository.indexOf('/') + 1)}@${digest}` };
}
