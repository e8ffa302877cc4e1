import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../hack/command.ts';
import { cosign, COSIGN_LINES, type CosignLine } from '../../hack/sigstore/cosign.ts';
import { pushTinyImage, startRegistry } from '../../hack/sigstore/local-registry.ts';
import { stopServices } from '../../hack/sigstore/services.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import { main as chains } from '../../src/chains/role/main.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { configMaps, secrets } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/resource.ts';
import { pictured } from '../browser/chromium.ts';
import { writeRun } from '../browser/dashboard-runs.ts';
import { DashboardWorld, seriousFindings } from '../browser/dashboard-world.ts';

/**
 * What the page tells of a signed run, in a real browser: the real Chains has signed it, with entries in a real Rekor
 * and its attestation in a real registry; the real cosign says whether the command that the page shows is right.
 */
const SIGNED_MS = 60_000;
const namespace = `provenance-${process.pid}`;
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = ({ publicKey }: typeof keys) =>
  createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
    .export({ type: 'spki', format: 'pem' })
    .toString();
const end = new AbortController();
let world: DashboardWorld;
let client: KubeClient;
let sigstore: Sigstore;
let folder = '';
let registry = '';
let origin = '';
let role: Promise<number>;

/** A check of a page, with a picture of it when it fails. */
function see(page: Page, name: string, check: () => Promise<void>): Promise<void> {
  return pictured(page, name, check);
}

/** A run that built an image, once Chains is through with it. */
async function signedRun(name: string): Promise<{ digest: string; log: string | undefined }> {
  const { digest } = await pushTinyImage(registry, `shop/${name}`, name);
  await writeRun(client, namespace, {
    name,
    outcome: 'succeeded',
    tasks: [{ name: 'a', outcome: 'succeeded' }],
    results: [
      { name: 'IMAGE_URL', value: `${registry}/shop/${name}` },
      { name: 'IMAGE_DIGEST', value: digest },
    ],
  });
  for (const give = Date.now() + SIGNED_MS; ; await sleep(200)) {
    const { annotations = {} } = (await client.get(pipelineRuns, namespace, name)).metadata;
    if (annotations['chains.tekton.dev/signed'] === 'true') {
      expect(annotations).not.toHaveProperty(['chains.tekton.dev/problems']);
      return { digest, log: annotations['chains.tekton.dev/transparency'] };
    }
    if (Date.now() > give) throw new Error(`not signed after ${SIGNED_MS / 1000} s: ${JSON.stringify(annotations)}`);
  }
}

async function configure(data: Record<string, string | null>): Promise<void> {
  await client.patch(configMaps, namespace, 'chains-config', { type: 'merge', body: { data } });
  await sleep(500);
}

/** Runs what the page shows, word for word but for the program's path; its folder has a cosign.pub of this key. */
async function run(line: CosignLine, command: string, key = keys): Promise<CommandResult> {
  const program = await cosign(line, { folder, env: sigstore.env });
  await writeFile(path.join(folder, `cosign-${line}`, 'cosign.pub'), pemOf(key));
  const [name, ...args] = command.split(' ');
  expect(name).toBe('cosign');
  return program.try(...args);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dashboard-provenance-'));
  [world, sigstore, registry] = await Promise.all([
    DashboardWorld.open(namespace),
    startSigstore({ rekor: true }),
    startRegistry('distribution', { folder, outlive: false, signal: AbortSignal.timeout(100_000) }),
  ]);
  ({ client } = world);
  const pem = String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await client.create(secrets, {
    metadata: { namespace, name: 'signing-secrets' },
    data: { 'x509.pem': Buffer.from(pem).toString('base64') },
  } as KubeObject);
  await client.create(configMaps, {
    metadata: { namespace, name: 'chains-config' },
    data: {
      // Nobody runs these runs: there is no record of them.
      'artifacts.unrecorded': 'sign',
      'artifacts.pipelinerun.format': 'slsa/v2alpha4',
      'artifacts.pipelinerun.storage': 'tekton,oci',
      'transparency.enabled': 'true',
      'transparency.url': sigstore.rekorUrl ?? '',
    },
  });
  const kubeconfig = process.env['TEKTITE_TEST_KUBECONFIG'] ?? '';
  const env = { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '0', LOG_LEVEL: 'fatal', SYSTEM_NAMESPACE: namespace };
  role = chains([`--kubeconfig=${kubeconfig}`, `--namespaces=${namespace}`], env, end.signal);
  origin = await world.start(`--provenance-key=${pemOf(keys)}`);
}, 900_000);

afterEach(() => world.closeWindows());

afterAll(async () => {
  end.abort();
  await role;
  await sigstore?.stop();
  await stopServices(folder);
  await rm(folder, { recursive: true, force: true });
  expect(await world.close()).toEqual([]);
}, 60_000);

describe('a run that is signed and in a log', () => {
  let digest = '';
  let log: string | undefined;
  let shown = '';
  beforeAll(async () => {
    ({ digest, log } = await signedRun('logged'));
    const page = await world.openAt(origin, `/runs/${namespace}/logged/provenance`);
    await see(page, 'provenance-command', async () => {
      shown = await page.locator('.statement .command').innerText();
    });
  }, 120_000);

  it('leads to its entry, which is of this statement', async () => {
    const page = await world.openAt(origin, `/runs/${namespace}/logged/provenance`, { bypassCSP: true });
    await see(page, 'provenance-logged', async () => {
      await page.getByText('Verified just now by the server, against the key that the dashboard was given').waitFor();
      await page.getByText(digest).first().waitFor();
      const entry = page.getByRole('link', { name: /^entry \d+$/ });
      const [address, index] = [await entry.getAttribute('href'), (await entry.innerText()).replace('entry ', '')];
      expect(address).toBe(log);
      const answer = (await (await fetch(address ?? '')).json()) as Record<string, { body: string; logIndex: number }>;
      const [found] = Object.values(answer);
      expect(found?.logIndex.toString()).toBe(index);
      const body = JSON.parse(Buffer.from(found?.body ?? '', 'base64').toString()) as {
        kind: string;
        spec: { payloadHash: { value: string } };
      };
      const { metadata } = await client.get(pipelineRuns, namespace, 'logged');
      const kept = metadata.annotations?.[`chains.tekton.dev/signature-pipelinerun-${metadata.uid}`] ?? '';
      const { payload } = JSON.parse(Buffer.from(kept, 'base64').toString()) as { payload: string };
      const hash = await crypto.subtle.digest('SHA-256', Buffer.from(payload, 'base64'));
      expect([body.kind, body.spec.payloadHash.value]).toEqual(['dsse', Buffer.from(hash).toString('hex')]);
      expect(await seriousFindings(page)).toEqual([]);
    });
  });

  it.each(COSIGN_LINES)(
    'is verified by cosign %s with the command that is shown, and not by another key',
    async (line) => {
      expect(shown).toContain(`--rekor-url ${sigstore.rekorUrl} `);
      expect(shown).toContain(`${registry}/shop/logged@${digest}`);
      const command = trusting(line, shown);
      expect(await run(line, command)).toMatchObject({ status: 0 });
      const refused = await run(line, command, otherKeys);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toMatch(
        /invalid signature|no matching attestations|failed to verify|accepted signatures do not match/,
      );
    },
  );

  /** v3 learns of a log that is not the public one from a trusted root alone. */
  function trusting(line: CosignLine, command: string): string {
    return line === 'v2' ? command : command.replace(' --type', ` --trusted-root ${sigstore.trustedRootPath} --type`);
  }

  it.each([
    [
      'with another key',
      otherKeys,
      /^Not verified: no signature of the envelope is one of the key that the dashboard was given: it was signed with another key/,
    ],
    ['without a key', undefined, /^Not verified: the dashboard knows no key of Chains: give it --provenance-key/],
  ] as const)('is not verified %s, which says why', async (_name, key, why) => {
    const other = await world.start(...(key === undefined ? [] : [`--provenance-key=${pemOf(key)}`]));
    const page = await world.openAt(other, `/runs/${namespace}/logged/provenance`);
    await see(page, 'provenance-not-verified', async () => {
      await page.getByText(why).waitFor();
      expect(await page.locator('.verdict.bad').count()).toBe(1);
    });
  });
});

describe('a run that is signed and in no log', () => {
  it.each(COSIGN_LINES)('is verified by cosign %s with the command that is shown', async (line) => {
    await configure({ 'transparency.enabled': 'false' });
    const { log } = await signedRun(`unlogged-${line}`);
    expect(log).toBeUndefined();
    const page = await world.openAt(origin, `/runs/${namespace}/unlogged-${line}/provenance`);
    await see(page, 'provenance-unlogged', async () => {
      await page.getByText('Verified just now by the server').waitFor();
      expect(await page.getByText('Transparency log').count()).toBe(0);
      const command = await page.locator('.statement .command').innerText();
      expect(await run(line, command)).toMatchObject({ status: 0 });
    });
  });
});
