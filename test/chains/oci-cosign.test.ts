import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tool } from '../../hack/one-node/binaries.ts';
import { cosign, COSIGN_LINES, type Cosign, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { pushTinyImage, startRegistry } from '../../hack/sigstore/local-registry.ts';
import { freePorts, startService, stopServices } from '../../hack/sigstore/services.ts';
import { imageSignaturePayload } from '../../src/chains/signing/bundle.ts';
import { createOciBackend } from '../../src/chains/storage/oci/backend.ts';
import { Registries } from '../../src/registry/client.ts';
import { newSigner, requestFor, signal, signer, simpleSigning, statement } from '../integration/chains-signed.ts';

/** What the oci backend stores, judged by the real cosigns: accepted with the key, refused with another one. */
const anonymous = {
  of: () => ({
    find: () => Promise.resolve({ credentials: undefined, origin: '' }),
    explain: () => Promise.resolve(''),
    forget: () => false,
  }),
};
const hosts: Record<string, string> = {};
let folder = '';
let key = '';
let wrong = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-oci-cosign-'));
  const supervision = { folder, outlive: false, signal };
  hosts['fallback tag'] = await startRegistry('distribution', supervision);
  const [port] = await freePorts('127.0.0.1', 1);
  hosts['referrers API'] = `127.0.0.1:${port}`;
  const healthy = () =>
    fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => undefined,
      (error: unknown) => String(error),
    );
  await startService(
    { name: 'referrers', argv: [await tool('referrers-registry'), '--address', `127.0.0.1:${port}`], healthy },
    supervision,
  );
  [key, wrong] = [path.join(folder, 'cosign.pub'), path.join(folder, 'wrong.pub')];
  await writeFile(key, signer.publicKeyPem);
  await writeFile(wrong, newSigner().publicKeyPem);
});
afterAll(async () => {
  await stopServices(folder);
  await rm(folder, { recursive: true, force: true });
});

/** cosign v2 reads bundles only with a trusted root, so it is asked for the older forms only. */
const cases: { line: CosignLine; encoding: 'dsse' | 'sigstore-bundle'; registry: string; elsewhere: boolean }[] =
  COSIGN_LINES.flatMap((line) =>
    (line === 'v2' ? (['dsse'] as const) : (['dsse', 'sigstore-bundle'] as const)).flatMap((encoding) =>
      ['fallback tag', 'referrers API'].flatMap((registry) =>
        [false, true].map((elsewhere) => ({ line, encoding, registry, elsewhere })),
      ),
    ),
  );

describe.each(cases)(
  'cosign $line, $encoding, registry with $registry, storage.oci.repository: $elsewhere',
  ({ line, encoding, registry, elsewhere }) => {
    let reference = '';
    let program: Cosign;

    beforeAll(async () => {
      const host = hosts[registry] ?? '';
      const name = [line, encoding, elsewhere ? 'elsewhere' : 'beside'].join('-');
      const pushed = await pushTinyImage(host, `app-${name}`, name);
      reference = pushed.reference;
      const image = { repository: `${host}/app-${name}`, digest: pushed.digest };
      const settings = {
        'storage.oci.encoding-format': encoding,
        ...(elsewhere ? { 'storage.oci.repository': `${host}/other-${name}` } : {}),
      };
      const backend = createOciBackend({
        registries: new Registries(),
        credentials: anonymous,
        runCredentials: anonymous,
      });
      for (const payload of [
        encoding === 'dsse' ? simpleSigning(image) : imageSignaturePayload(image),
        statement(image, 'one'),
        statement(image, 'two'),
      ]) {
        await backend.store(await requestFor(payload, settings), signal);
      }
      // Bundles are beside the image in any case: they refer to it.
      const isElsewhere = elsewhere && encoding === 'dsse';
      program = await cosign(line, {
        folder,
        env: isElsewhere ? { COSIGN_REPOSITORY: `${host}/other-${name}` } : {},
      });
    });

    const common = ['--insecure-ignore-tlog=true', '--allow-http-registry'];

    it('accepts signature and attestations', async () => {
      await program.run('verify', '--key', key, ...common, reference);
      const found = await program.run(
        'verify-attestation',
        '--key',
        key,
        '--type',
        'slsaprovenance1',
        ...common,
        reference,
      );
      const builds = found
        .trim()
        .split('\n')
        .map(
          (text) =>
            JSON.parse(Buffer.from((JSON.parse(text) as { payload: string }).payload, 'base64').toString()) as {
              predicate: { build?: string };
            },
        );
      expect(builds.flatMap(({ predicate }) => predicate.build ?? []).sort()).toEqual(['one', 'two']);
    });

    it('refuses them with another key', async () => {
      expect((await program.try('verify', '--key', wrong, ...common, reference)).status).not.toBe(0);
      expect(
        (await program.try('verify-attestation', '--key', wrong, '--type', 'slsaprovenance1', ...common, reference))
          .status,
      ).not.toBe(0);
    });
  },
);
