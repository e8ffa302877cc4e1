import type { KeyObject } from 'node:crypto';
import { messageOf } from '../../errors.ts';
import { annotations as chains } from '../../chains/annotations.ts';
import { defaultAlgorithm, verifyBytes } from '../../chains/signing/algorithm.ts';
import { preAuthEncoding, type DsseEnvelope } from '../../chains/signing/dsse.ts';
import type { KubeObject } from '../../resource.ts';
import type { Attestation, RunProvenance } from '../contract.ts';
import { cut } from '../runs/cut.ts';
import { partsOf } from './statement.ts';

/** The key that Chains signs with, and how people call it. */
export interface TrustedKey {
  key: KeyObject;
  name: string;
}

type Verification = Attestation['verification'];
type SignedRun = Pick<KubeObject, 'kind' | 'metadata'>;

const MOST_PROBLEMS = 12;
const LONGEST_PROBLEM = 500;

/**
 * What Chains stored with a run, verified anew. Annotations are anybody's until the signature says otherwise, and a
 * signature that is right may have been copied from another run.
 */
export function provenanceOf(run: SignedRun, trusted: TrustedKey | undefined): RunProvenance {
  const annotations = run.metadata.annotations ?? {};
  const mark = annotations[chains.signed];
  const signed = mark === 'true' ? 'yes' : mark === 'failed' ? 'failed' : 'no';
  const suffix = `${run.kind?.toLowerCase()}-${run.metadata.uid}`;
  const [name, text] = [`chains.tekton.dev/signature-${suffix}`, annotations[`chains.tekton.dev/signature-${suffix}`]];
  const problems = problemsOf(annotations[chains.problems]);
  if (text === undefined) return { signed, attestations: [], problems: [...problems, ...nothingHere(signed)] };
  const read = envelopeIn(text);
  if (typeof read === 'string')
    return { signed, attestations: [], problems: [...problems, `annotation ${name}: ${read}`] };
  const { envelope, payload, statement } = read;
  const parts = partsOf(statement);
  const { transparency } = chains;
  const log = annotations[transparency];
  const { invocation, ...shown } = parts;
  const attestation: Attestation = {
    from: `annotation ${name}`,
    ...shown,
    ...(log === undefined ? {} : logEntryOf(log)),
    verification: verificationOf(envelope, payload, trusted, { invocation, uid: run.metadata.uid ?? '' }),
    statement,
  };
  return { signed, attestations: [attestation], problems };
}

function nothingHere(signed: RunProvenance['signed']): string[] {
  if (signed === 'no')
    return ['Chains has not signed this run: it is not enabled, has not come to it yet, or was told to leave it'];
  if (signed === 'failed')
    return ['Chains could not sign this run: its annotation chains.tekton.dev/problems says why'];
  return [
    'the attestation of this run is not kept with the run: add "tekton" to artifacts.pipelinerun.storage and artifacts.taskrun.storage of chains-config to see it here, or ask the place where it is, such as "cosign verify-attestation --key cosign.pub --type slsaprovenance1 IMAGE"',
  ];
}

function envelopeIn(text: string): { envelope: DsseEnvelope; payload: Buffer; statement: unknown } | string {
  try {
    const envelope = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as DsseEnvelope;
    if (typeof envelope?.payload !== 'string' || typeof envelope.payloadType !== 'string')
      return 'it holds no signed envelope';
    if (!Array.isArray(envelope.signatures)) return 'its envelope has no signatures';
    const payload = Buffer.from(envelope.payload, 'base64');
    return { envelope, payload, statement: JSON.parse(payload.toString('utf8')) as unknown };
  } catch (error) {
    return `it cannot be read: ${cut(messageOf(error), 200)}`;
  }
}

function verificationOf(
  { payloadType, signatures }: DsseEnvelope,
  payload: Buffer,
  trusted: TrustedKey | undefined,
  { invocation, uid }: { invocation: string | undefined; uid: string },
): Verification {
  const no = (why: string): Verification => ({ verified: false, why });
  if (trusted === undefined)
    return no(
      'the dashboard knows no key of Chains: give it --provenance-key with the public key (cosign.pub of Secret signing-secrets)',
    );
  if (payloadType !== 'application/vnd.in-toto+json') return no('what was signed is no in-toto statement');
  const signed = preAuthEncoding(payloadType, payload);
  const algorithm = defaultAlgorithm(trusted.key);
  // Few are ever there; more only cost time.
  const isRight = signatures.slice(0, 4).some((each: { sig?: unknown } | null) => {
    return (
      typeof each?.sig === 'string' && verifyBytes(trusted.key, algorithm, signed, Buffer.from(each.sig, 'base64'))
    );
  });
  if (!isRight)
    return no(
      `no signature of the envelope is one of ${trusted.name}: it was signed with another key, or changed since`,
    );
  if (invocation === undefined)
    return no(
      'the signature is right, but a statement of this version does not say which run it is of: have Chains write slsa/v1',
    );
  if (invocation !== uid) return no('the signature is right, but the statement is of another run: it was copied here');
  return { verified: true, against: trusted.name };
}

function logEntryOf(url: string): Pick<Attestation, 'transparencyLog'> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return {};
  return { transparencyLog: { url: cut(url, 500), index: cut(new URL(url).searchParams.get('logIndex') ?? '', 40) } };
}

function problemsOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    const { problems } = JSON.parse(text) as { problems?: { artifact?: unknown; at?: unknown; reason?: unknown }[] };
    return (Array.isArray(problems) ? problems : [])
      .slice(0, MOST_PROBLEMS)
      .map((problem) =>
        cut(`${String(problem?.artifact)}, ${String(problem?.at)}: ${String(problem?.reason)}`, LONGEST_PROBLEM),
      );
  } catch {
    return ['the annotation chains.tekton.dev/problems is no JSON: somebody else than Chains wrote it'];
  }
}
