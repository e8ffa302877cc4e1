import { eachOf } from '../../concurrency.ts';
import { messageOf } from '../../errors.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { policyFor, repositoryMatches, type SigningKeyChoice } from '../namespaces.ts';
import type { Problem } from '../plan/problems.ts';
import type { Artifact, ImageSubject, RunObject } from '../types.ts';
import type { Services } from './options.ts';

export interface Asking {
  run: RunObject;
  artifacts: readonly Artifact[];
  config: ChainsConfig;
  services: Pick<Services, 'provePush'>;
  signal: AbortSignal;
}

export interface Permit {
  /** The namespace's own key, when it has one. */
  key: SigningKeyChoice | undefined;
  permitted: Artifact[];
  /** Why others are never signed. */
  refusals: Problem[];
  /** Others that cannot be judged now, with the reason. */
  undecided: { artifact: Artifact; problem: Problem }[];
}

/** Proofs at the same time for one run. */
const proofsAtOnce = 4;

type Verdict = { kind: 'yes' } | { kind: 'no'; reason: string } | { kind: 'unknown'; reason: string };

/**
 * What may be signed for this run: its namespace's repositories (signing.namespaces), and only images that its own
 * credentials may push where the operator wants that proved (artifacts.oci.verify-push). An attestation follows the
 * images that it names: if one is refused it is refused, since who verifies it asks for nothing but the digest. For
 * the same reason its other subjects must then share their SHA-256 with one of the images.
 */
export async function permit(asking: Asking): Promise<Permit> {
  const { run, artifacts, config } = asking;
  const policy = policyFor(config.trust.namespaces, run.metadata.namespace ?? '');
  if ('broken' in policy) {
    const reason = `signing.namespaces in chains-config cannot be used for namespace ${run.metadata.namespace}: ${policy.broken}`;
    const undecided = artifacts.map((artifact) => ({ artifact, problem: verification(artifact.shortKey, reason) }));
    return { key: undefined, permitted: [], refusals: [], undecided };
  }
  const isRestricted = policy.repositories !== undefined || config.trust.verifyPush;
  if (!isRestricted) return { key: policy.key, permitted: [...artifacts], refusals: [], undecided: [] };
  return judge(asking, policy.repositories, policy.key);
}

async function judge(
  asking: Asking,
  repositories: readonly string[] | undefined,
  key: SigningKeyChoice | undefined,
): Promise<Permit> {
  const images = new Map(
    asking.artifacts.flatMap(({ payload }) => payload.subjects).map((image) => [nameOf(image), image]),
  );
  const verdicts = await eachOf([...images.values()], proofsAtOnce, (image) => verdictOn(image, repositories, asking));
  const byName = new Map([...images.keys()].map((name, index) => [name, verdicts[index]]));
  const result: Permit = { key, permitted: [], refusals: [], undecided: [] };
  for (const artifact of asking.artifacts) {
    const verdict = verdictOnArtifact(artifact, byName);
    if (verdict.kind === 'yes') result.permitted.push(artifact);
    else if (verdict.kind === 'no') result.refusals.push(verification(artifact.shortKey, verdict.reason));
    else result.undecided.push({ artifact, problem: verification(artifact.shortKey, verdict.reason) });
  }
  return result;
}

async function verdictOn(
  image: ImageSubject,
  repositories: readonly string[] | undefined,
  { run, config, services, signal }: Asking,
): Promise<Verdict> {
  const name = nameOf(image);
  if (repositories !== undefined && !repositories.some((pattern) => repositoryMatches(pattern, image.repository)))
    return {
      kind: 'no',
      reason: `image ${name} is refused: signing.namespaces does not list its repository for namespace ${run.metadata.namespace}`,
    };
  if (!config.trust.verifyPush) return { kind: 'yes' };
  try {
    await services.provePush(run, image, config, signal);
    return { kind: 'yes' };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'unknown', reason: `image ${name} is not proved to be the run's: ${messageOf(error)}` };
  }
}

function verdictOnArtifact({ kind, payload }: Artifact, images: ReadonlyMap<string, Verdict | undefined>): Verdict {
  const verdicts = payload.subjects.map((image) => images.get(nameOf(image)));
  const worst =
    verdicts.find((verdict) => verdict?.kind === 'no') ?? verdicts.find((verdict) => verdict?.kind !== 'yes');
  if (worst !== undefined) return worst;
  if (kind === 'oci') return { kind: 'yes' };
  const known = new Set(payload.subjects.map(({ digest }) => digest.slice('sha256:'.length)));
  const stray = subjectsOf(payload.json).find(({ digest }) => digest?.['sha256'] && !known.has(digest['sha256']));
  if (stray === undefined) return { kind: 'yes' };
  return {
    kind: 'no',
    reason: `subject ${JSON.stringify(stray.name ?? '')} with digest sha256:${stray.digest?.['sha256']} is refused: it is not the digest of an image that may be signed here (signing.namespaces, artifacts.oci.verify-push)`,
  };
}

/** Every subject of a statement that we made, also those that are no images. */
function subjectsOf(json: Uint8Array): { name?: string; digest?: Record<string, string> }[] {
  const statement = JSON.parse(Buffer.from(json).toString('utf8')) as {
    subject?: { name?: string; digest?: Record<string, string> }[];
  };
  return statement.subject ?? [];
}

function nameOf({ repository, digest }: ImageSubject): string {
  return `${repository}@${digest}`;
}

function verification(artifact: string, reason: string): Problem {
  return { artifact, at: 'verification', reason };
}
