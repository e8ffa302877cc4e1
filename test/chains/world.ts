/** What the tests of signatures stand on: real servers, a registry, both cosigns, a key pair. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import type { CommandResult } from '../../hack/command.ts';
import { cosign, COSIGN_LINES, type Cosign, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { pushTinyImage, startRegistry, type Pushed, type RegistryKind } from '../../hack/sigstore/local-registry.ts';
import { stopServices } from '../../hack/sigstore/services.ts';
import type { Sigstore } from '../../hack/sigstore/start.ts';

export interface World {
  readonly folder: string;
  readonly registries: Readonly<Record<RegistryKind, string>>;
  readonly cosigns: Readonly<Record<CosignLine, Cosign>>;
  /** Path of `<name>.key` and `<name>.pub` without the ending. */
  readonly key: string;
  readonly otherKey: string;
  /** A new image in a repository of its own. */
  image(registry?: RegistryKind): Promise<Pushed & { repository: string; host: string }>;
  /** A file with this content as JSON. */
  file(name: string, content: unknown): Promise<string>;
  stop(): Promise<void>;
}

/** The password of the world's keys. */
export const KEY_PASSWORD = 'p';

/** Starts the registries and makes the keys; everything it made is gone after stop(). */
export async function createWorld(): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tektite-chains-'));
  const supervision = { folder, outlive: false, signal: new AbortController().signal };
  const registries = {
    distribution: await startRegistry('distribution', supervision),
    referrers: await startRegistry('referrers', supervision),
  };
  const [v2, v3] = await Promise.all(COSIGN_LINES.map((line) => cosign(line, { folder, password: KEY_PASSWORD })));
  const cosigns = { v2: v2 as Cosign, v3: v3 as Cosign };
  const key = path.join(folder, 'cosign');
  const otherKey = path.join(folder, 'other');
  for (const prefix of [key, otherKey]) await cosigns.v3.run('generate-key-pair', '--output-key-prefix', prefix);
  let images = 0;
  return {
    folder,
    registries,
    cosigns,
    key,
    otherKey,
    async image(registry = 'distribution') {
      const repository = `app-${++images}`;
      const host = registries[registry];
      return { ...(await pushTinyImage(host, repository, repository)), repository, host };
    },
    async file(name, content) {
      const file = path.join(folder, name);
      await writeFile(file, JSON.stringify(content));
      return file;
    },
    async stop() {
      await stopServices(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Predicates that cosign accepts for its two provenance types. */
export const PREDICATES = {
  slsaprovenance: {
    builder: { id: 'https://tekton.dev/chains/v2' },
    buildType: 'tekton.dev/v1/TaskRun',
    invocation: { configSource: {} },
  },
  slsaprovenance1: {
    buildDefinition: { buildType: 'https://tekton.dev/chains/v2/slsa', externalParameters: {} },
    runDetails: { builder: { id: 'https://tekton.dev/chains/v2' } },
  },
} as const;

/** A cosign, and the flags that make it trust these services. */
export interface Trusting {
  readonly cosign: Cosign;
  readonly flags: readonly string[];
}

/**
 * v3 takes a trusted root for everything. v2 takes it for bundles, which it reads only when told so, and for the rest
 * wants the trust in environment variables (its verify-attestation refuses a trusted root there).
 */
export async function trusting(
  world: World,
  sigstore: Sigstore,
  line: CosignLine,
  form: 'classic' | 'bundle',
): Promise<Trusting> {
  const root = ['--trusted-root', sigstore.trustedRootPath, '--allow-http-registry'];
  if (line === 'v3') return { cosign: world.cosigns.v3, flags: root };
  if (form === 'bundle') return { cosign: world.cosigns.v2, flags: [...root, '--new-bundle-format'] };
  return {
    cosign: await cosign('v2', { folder: world.folder, env: sigstore.env }),
    flags: ['--rekor-url', sigstore.rekorUrl ?? '', '--allow-http-registry'],
  };
}

/** That cosign refused, and for this reason: an accident (a registry that does not answer) is no refusal. */
export function expectRefusal({ status, stderr }: CommandResult, reason: RegExp): void {
  expect(status, stderr).not.toBe(0);
  expect(stderr).toMatch(reason);
}
