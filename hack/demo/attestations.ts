/**
 * The demo's second half: Chains signs what the pipeline built, and cosign, a stranger to Tektite, is asked about it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommandError, command, succeeds } from '../command.ts';
import { progress } from '../progress.ts';
import type { Values } from '../deploy/install.ts';
import type { Target } from '../deploy/pick-cluster.ts';

export const chainsNamespace = 'tekton-chains';
const password = 'demo';

type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** A key in chains-config: its dots are part of the name. */
const configKey = (name: string) => `chains.config.${name.replaceAll('.', '\\.')}`;

/**
 * How Chains signs: TaskRuns attested as SLSA v0.2, PipelineRuns as v1.0, all beside the image, and with the
 * PipelineRun, where the dashboard shows it.
 */
export const chainsValues: Values = {
  [configKey('artifacts.taskrun.format')]: 'in-toto',
  [configKey('artifacts.taskrun.storage')]: 'oci',
  [configKey('artifacts.pipelinerun.format')]: 'slsa/v2alpha4',
  [configKey('artifacts.pipelinerun.storage')]: 'oci\\,tekton',
};

/** The cosign to use: our own build, or the one on PATH; undefined when there is none. */
export async function cosignPath(target: Target): Promise<string | undefined> {
  if (target.kind === 'own') return (await command(['hack/cluster', 'tool', 'cosign-v3'], { show: true })).trim();
  return (await succeeds('cosign', 'version')) ? 'cosign' : undefined;
}

/** Where the public key is, and the data of Secret signing-secrets; undefined when the cluster has keys. */
export interface Keys {
  publicKey: string;
  made: Record<string, string> | undefined;
}

/**
 * Puts a key pair made by cosign into Secret signing-secrets, unless one is there, and returns the public key's path.
 */
export async function provideKeys(cosign: string, kubectl: Kubectl): Promise<string> {
  const keys = await findKeys(cosign, kubectl);
  await storeKeys(keys, kubectl);
  return keys.publicKey;
}

/** The keys in the cluster, or a new pair that is not there yet. */
export async function findKeys(cosign: string, kubectl: Kubectl): Promise<Keys> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tektite-demo-'));
  const publicKey = path.join(folder, 'cosign.pub');
  const form = 'jsonpath={.data.cosign\\.pub}';
  const secret = ['secret', 'signing-secrets', '--namespace', chainsNamespace, '--ignore-not-found'];
  const present = await kubectl(['get', ...secret, '-o', form]);
  if (present !== '') {
    await writeFile(publicKey, Buffer.from(present, 'base64'));
    return { publicKey, made: undefined };
  }
  progress('making a key pair with cosign');
  await command(['sh', '-c', 'cd "$1" && "$2" generate-key-pair', 'sh', folder, cosign], {
    env: { COSIGN_PASSWORD: password },
  });
  const made = {
    'cosign.key': await readFile(path.join(folder, 'cosign.key'), 'utf8'),
    'cosign.pub': await readFile(publicKey, 'utf8'),
    'cosign.password': password,
  };
  await rm(path.join(folder, 'cosign.key'));
  return { publicKey, made };
}

/** Puts new keys into the Secret that the install has made. */
export async function storeKeys({ made }: Keys, kubectl: Kubectl): Promise<void> {
  if (made === undefined) return;
  progress(`storing the keys in Secret ${chainsNamespace}/signing-secrets`);
  const patch = JSON.stringify({ stringData: made });
  const secret = ['secret', 'signing-secrets', '--namespace', chainsNamespace];
  await kubectl(['patch', ...secret, '--type=merge', '--patch', patch]);
}

/**
 * Waits until Chains has signed the run. @throws with what the run's annotations say when it does not within a minute.
 */
export async function waitUntilSigned(kubectl: Kubectl, run: string): Promise<void> {
  progress('waiting until Chains has signed the run and its image');
  let annotations = '';
  for (let tries = 0; tries < 120; tries += 1) {
    annotations = await kubectl(['get', 'pipelinerun', run, '-o', 'jsonpath={.metadata.annotations}']);
    if (annotations.includes('"chains.tekton.dev/signed":"true"')) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`PipelineRun ${run} was not signed within a minute; its annotations: ${annotations}`);
}

interface Verification {
  cosign: string;
  publicKey: string;
  image: string;
}

/** Shows cosign accepting the image and its provenance, and refusing an image that was changed. */
export async function showVerification({ cosign, publicKey, image }: Verification, tampered: string): Promise<void> {
  const offline = ['--key', publicKey, '--insecure-ignore-tlog=true', '--allow-http-registry'];
  const checks = [
    ['verify', ...offline, image],
    ['verify-attestation', ...offline, '--type', 'slsaprovenance', image],
    ['verify-attestation', ...offline, '--type', 'slsaprovenance1', image],
  ];
  for (const check of checks) {
    console.log(`\n$ cosign ${check.join(' ')}`);
    await command([cosign, ...check]);
    console.log('  accepted: the signature and its claims were verified against the key');
  }
  const check = ['verify', ...offline, tampered];
  console.log(`\n$ cosign ${check.join(' ')}      (one label changed, the signature copied)`);
  const refusal = await command([cosign, ...check]).then(
    () => undefined,
    (error: unknown) => (error instanceof CommandError ? error.output.trim().split('\n').at(-1) : String(error)),
  );
  if (refusal === undefined) throw new Error(`cosign accepted ${tampered}, which nobody signed`);
  console.log(`  refused: ${refusal}`);
}

/**
 * A copy of the image with another label, and with the signature of the first put beside it. Returns its name with
 * digest.
 */
export async function tamper(image: string): Promise<string> {
  const crane = (await command(['hack/cluster', 'tool', 'crane'], { show: true })).trim();
  const repository = image.slice(0, image.indexOf('@'));
  await command([crane, 'mutate', '--insecure', '--label', 'tampered=true', '--tag', `${repository}:tampered`, image]);
  const digest = (await command([crane, 'digest', '--insecure', `${repository}:tampered`])).trim();
  const signatureOf = (subject: string) => `${repository}:${subject.replace(':', '-')}.sig`;
  await command([crane, 'copy', '--insecure', signatureOf(image.slice(image.indexOf('@') + 1)), signatureOf(digest)]);
  return `${repository}@${digest}`;
}
