import type { PipelineRunResult } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Attestation } from '../contract.ts';

/** An image that a run says it made. */
export interface Image {
  name: string;
  digest: string;
}

/** Repository, with a port and a tag or without: nothing that a shell reads in another way. */
const REPOSITORY = /^[\w][\w.-]*(?::\d{1,5})?(?:\/[\w.-]+)+(?::[\w.-]+)?$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const LONGEST = 500;

/** What cosign calls the two versions of SLSA's provenance. */
const types: Readonly<Record<string, string>> = {
  'https://slsa.dev/provenance/v1': 'slsaprovenance1',
  'https://slsa.dev/provenance/v0.2': 'slsaprovenance',
};

/** Images by Chains' naming of results: `IMAGE_URL` with `IMAGE_DIGEST`, with the same text before both. */
export function imagesOf(results: readonly PipelineRunResult[]): Image[] {
  const byName = new Map(results.map(({ name, value }) => [name, typeof value === 'string' ? value.trim() : '']));
  return [...byName].flatMap(([key, name]) => {
    const prefix = /^(.*)IMAGE_URL$/.exec(key)?.[1];
    const digest = prefix === undefined ? undefined : byName.get(`${prefix}IMAGE_DIGEST`);
    return digest !== undefined && isImage({ name, digest }) ? [{ name, digest }] : [];
  });
}

/** What is known of how an image was attested. */
export interface Attested {
  /** Of the statement; SLSA v1 when it is not known. */
  predicateType?: string;
  /** The address of its entry in a transparency log; missing: it is in none, and cosign is told not to look. */
  log?: string;
}

/** The commands that repeat the verification of what a registry holds, one for each image. */
export function cosignCommands(images: readonly Image[], { predicateType, log }: Attested = {}): string[] {
  const type = types[predicateType ?? 'https://slsa.dev/provenance/v1'];
  if (type === undefined) return [];
  const words = ['cosign verify-attestation --key cosign.pub', ...logFlags(log), `--type ${type}`].join(' ');
  return images.filter(isImage).map(({ name, digest }) => `${words} ${name.replace(/:[\w.-]+$/, '')}@${digest}`);
}

/** Scheme, host and port: nothing that a shell reads in another way. */
const ORIGIN = /^https?:\/\/[\w.-]+(?::\d{1,5})?$/;
/** The log that cosign asks by itself. */
const PUBLIC_LOG = 'https://rekor.sigstore.dev';

function logFlags(log: string | undefined): string[] {
  const origin = log !== undefined && URL.canParse(log) ? new URL(log).origin : '';
  if (!ORIGIN.test(origin)) return ['--insecure-ignore-tlog=true'];
  return origin === PUBLIC_LOG ? [] : [`--rekor-url ${origin}`];
}

/** The subjects of a statement that are images. */
export function imagesIn({ subjects }: Pick<Attestation, 'subjects'>): Image[] {
  return subjects.filter(isImage);
}

function isImage({ name, digest }: Image): boolean {
  return name.length <= LONGEST && REPOSITORY.test(name) && DIGEST.test(digest);
}
