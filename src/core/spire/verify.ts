import type { StepState, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { messageOf } from '../../errors.ts';
import { entryType, parseTerminationMessage } from '../podstatus/termination.ts';
import { checkStatusResults, checkStepResults, type Findings } from './coverage.ts';
import {
  isProof,
  isWholeProof,
  manifestKey,
  resultsVerified,
  signatureSuffix,
  statusAnnotations,
  stepMaterials,
  svidKey,
  type StepMaterial,
} from './material.ts';
import { checkIssuer, isSignedBy, isValid, parseSvid, spiffeUri, type Svid, type TrustBundle } from './svid.ts';
import { stepIdentity, statementKey, statementOf } from './statement.ts';
import { readValue, signedText } from './value.ts';

export interface Verdict {
  /**
   * absent: nothing in the run was signed by means of SPIRE. verified: all of it holds. unverifiable: what can be
   * checked holds, `details` say what cannot. tampered: something does not hold, `details` say what; the run must not
   * be attested.
   */
  state: 'absent' | 'verified' | 'unverifiable' | 'tampered';
  details: string[];
}

export interface VerifyRules {
  /**
   * The entrypoint is ours: each step that had its turn signed all that it reports in a statement, and nothing that was
   * not signed counts. Without, steps may have been signed by upstream's entrypoint.
   */
  whole?: boolean;
}

/**
 * Judges the results that the entrypoint signed (enforce-nonfalsifiability: spire; upstream docs/spire.md and
 * pkg/spire), and the controller's signature of the status. Certificates are short-lived: each is judged as of the time
 * when it was used.
 */
export function verifyRunSignatures(
  taskRun: TaskRun,
  trustBundle: TrustBundle | undefined,
  now: Date,
  { whole = false }: VerifyRules = {},
): Verdict {
  const steps = stepMaterials(taskRun);
  const findings: Findings = { problems: [], gaps: [] };
  const controller = controllersWord(taskRun, findings);
  const judging: Judging = { taskRun, trustBundle, now, findings, whole };
  const svids = checkSteps(steps, judging);
  if (steps.length === 0 && !controller && findings.problems.length === 0) return { state: 'absent', details: [] };
  const svid = controller ? checkStatusHash(judging) : undefined;
  if (svid) svids.push(svid);
  checkOneDomain(svids, findings);
  return verdictOf(judging);
}

function verdictOf({ trustBundle, findings: { problems, gaps } }: Judging): Verdict {
  if (problems.length > 0) return { state: 'tampered', details: unique(problems) };
  if (!trustBundle)
    gaps.push(
      'no trust bundle is configured, so it was not checked who issued the certificates; set artifacts.taskrun.spire.trust-bundle-path in chains-config',
    );
  return gaps.length > 0 ? { state: 'unverifiable', details: unique(gaps) } : { state: 'verified', details: [] };
}

interface Judging {
  taskRun: TaskRun;
  trustBundle: TrustBundle | undefined;
  now: Date;
  findings: Findings;
  whole: boolean;
}

/** Whether the controller signed the status; notes what it says against the run. */
function controllersWord({ status }: TaskRun, { problems }: Findings): boolean {
  const found = status?.annotations ?? {};
  const condition = status?.conditions?.find(({ type }) => type === resultsVerified);
  if (condition?.status === 'False')
    problems.push(
      `condition ${resultsVerified} is False: ${condition.message ?? condition.reason ?? 'the pipelines controller could not verify the results'}`,
    );
  if (found[statusAnnotations.notVerified] !== undefined)
    problems.push(
      `annotation ${statusAnnotations.notVerified} of the status is set: the pipelines controller found the status changed by somebody else`,
    );
  return [statusAnnotations.hash, statusAnnotations.signature, statusAnnotations.svid].some(
    (name) => found[name] !== undefined,
  );
}

/** Returns the SVIDs by which steps signed. */
function checkSteps(steps: readonly StepMaterial[], judging: Judging): Svid[] {
  const { taskRun, findings, whole } = judging;
  if (whole) {
    checkEveryStepSigned(taskRun, steps, findings);
    checkStepResults(taskRun, steps, findings.problems);
  }
  const svids = steps.flatMap((step) => checkStep(step, judging) ?? []);
  if (steps.length > 0 || whole) checkStatusResults(taskRun, steps, findings);
  return svids;
}

/** Returns the SVID when there is one to speak of. */
function checkStep(step: StepMaterial, judging: Judging): Svid | undefined {
  const { where, entries, signed, finishedAt } = step;
  const {
    taskRun: { metadata, status },
    findings: { problems },
  } = judging;
  if (!signed) {
    problems.push(`${where} wrote results without signatures, unlike other steps: ${[...entries.keys()].join(', ')}`);
    return undefined;
  }
  const svid = readSvid(entries.get(svidKey), `${svidKey} of ${where}`, problems);
  if (!svid) return undefined;
  const path = `/ns/${metadata.namespace ?? ''}/taskrun/${metadata.name ?? ''}`;
  if (svid.id.path !== path)
    problems.push(`${where} signed as ${spiffeUri(svid.id)}, which is not this TaskRun (${path})`);
  const when = timeOf(finishedAt ?? status?.completionTime, judging.now);
  checkCertificate(svid, where, { earliest: when, latest: when }, judging);
  checkManifest(where, entries, problems);
  checkStatement(step, judging);
  checkSignatures(step, svid, problems);
  return svid;
}

function checkSignatures({ where, entries }: StepMaterial, svid: Svid, problems: string[]): void {
  for (const name of [...entries.keys()].filter((key) => isWholeProof(key) || !isProof(key, entries))) {
    const signature = entries.get(`${name}${signatureSuffix}`);
    const what = isWholeProof(name) ? `${name} of ${where}` : `result ${name} of ${where}`;
    if (signature === undefined) problems.push(`${what} has no signature`);
    else if (!isSignedBy(svid, signature, signedText(readValue(entries.get(name) ?? ''))))
      problems.push(`${what} is not what was signed`);
  }
}

/** A step that was killed, or whose turn never came after one that failed, may sign nothing if it reports nothing. */
function checkEveryStepSigned(
  { status }: TaskRun,
  materials: readonly StepMaterial[],
  { problems }: Pick<Findings, 'problems'>,
): void {
  const signed = new Set(materials.filter((step) => step.signed).map(({ reported }) => reported?.container));
  let failed = false;
  for (const { container, name = '', terminated } of status?.steps ?? []) {
    failed ||= terminated?.exitCode !== 0;
    if (signed.has(container)) continue;
    if (!failed) problems.push(`step ${name} signed nothing`);
    else if (reportsAnything(terminated)) problems.push(`step ${name} reports what it did not sign`);
  }
}

function reportsAnything(terminated: StepState['terminated']): boolean {
  const entries = parseTerminationMessage(terminated?.message) ?? [];
  return entries.some(({ type }) => type !== entryType.internal);
}

/** Upstream signs values alone: by the statement they are of this step, and none was dropped or has another's name. */
function checkStatement({ where, entries, reported }: StepMaterial, judging: Judging): void {
  const { taskRun, findings, whole } = judging;
  const found = entries.get(statementKey);
  if (found === undefined) {
    if (whole) findings.problems.push(`${statementKey} of ${where} is missing`);
    return;
  }
  if (reported === undefined) {
    if (whole) findings.problems.push(`${statementKey} of ${where} cannot be checked without its termination message`);
    return;
  }
  const { metadata, status } = taskRun;
  const identity = stepIdentity(metadata.uid ?? '', status?.podName ?? '', reported.container);
  if (statementOf(identity, reported.entries) !== found)
    findings.problems.push(`${statementKey} of ${where} is not of what the step reports`);
}

function readSvid(pem: string | undefined, what: string, problems: string[]): Svid | undefined {
  if (pem === undefined) {
    problems.push(`${what} is missing`);
    return undefined;
  }
  try {
    return parseSvid(pem);
  } catch (error) {
    problems.push(`${what} cannot be used: ${messageOf(error)}`);
    return undefined;
  }
}

/** The manifest lists each result that the step wrote, and no other: none was dropped or slipped in. */
function checkManifest(where: string, entries: ReadonlyMap<string, string>, problems: string[]): void {
  const manifest = entries.get(manifestKey);
  if (manifest === undefined) {
    problems.push(`${manifestKey} of ${where} is missing`);
    return;
  }
  const listed = new Set(
    signedText(readValue(manifest))
      .split(',')
      .filter((name) => name !== ''),
  );
  const missing = [...listed].filter((name) => !entries.has(name));
  // Results whose own name ends in .sig are signed and not listed by the entrypoint.
  const unlisted = [...entries.keys()].filter(
    (name) => !listed.has(name) && !isProof(name, entries) && !name.endsWith(signatureSuffix),
  );
  if (missing.length > 0) problems.push(`${manifestKey} of ${where} lists what is not there: ${missing.join(', ')}`);
  if (unlisted.length > 0) problems.push(`${manifestKey} of ${where} does not list ${unlisted.join(', ')}`);
}

/**
 * The controller's signature is over the text of the hash. The hash itself is not made again: it is over the bytes that
 * upstream's Go types of v1beta1 give, so whether it still is that of the status remains unknown.
 */
function checkStatusHash(judging: Judging): Svid | undefined {
  const {
    taskRun: { status },
    now,
    findings: { problems, gaps },
  } = judging;
  const found = status?.annotations ?? {};
  const { hash, signature, svid: name } = statusAnnotations;
  const svid = readSvid(found[name], `annotation ${name} of the status`, problems);
  const missing = [hash, signature].filter((needed) => found[needed] === undefined);
  for (const needed of missing) problems.push(`annotation ${needed} of the status is missing`);
  if (!svid) return undefined;
  // A step holds the key of its own SVID, and could sign a status with it.
  if (/^\/ns\/[^/]+\/taskrun\//.test(svid.id.path))
    problems.push(`the status is signed as ${spiffeUri(svid.id)}, which is a TaskRun and not the pipelines controller`);
  // It signs again whenever it writes the status, also after the end of the run.
  checkCertificate(svid, 'the status', { earliest: timeOf(status?.completionTime, now), latest: now }, judging);
  gaps.push(`the signature of annotation ${hash} was checked, and not whether the status still has that hash`);
  const text = found[hash];
  if (text !== undefined && found[signature] !== undefined && !isSignedBy(svid, found[signature], text))
    problems.push(`annotation ${hash} of the status is not what was signed`);
  return svid;
}

/** Between which times something was signed. */
interface Signing {
  earliest: Date;
  latest: Date;
}

function checkCertificate(
  svid: Svid,
  what: string,
  { earliest, latest }: Signing,
  { trustBundle, findings }: Judging,
): void {
  const { validFromDate, validToDate } = svid.certificate;
  if (!isValid(svid.certificate, earliest, latest)) {
    findings.problems.push(
      `${what} was signed at ${earliest.toISOString()} with a certificate that is valid from ${validFromDate.toISOString()} to ${validToDate.toISOString()}`,
    );
  }
  if (!trustBundle) return;
  const { problem, unknown } = checkIssuer(svid, trustBundle, earliest, latest);
  if (problem !== undefined) findings.problems.push(`${what}: ${problem}`);
  if (unknown !== undefined) findings.gaps.push(unknown);
}

function checkOneDomain(svids: readonly Svid[], { problems }: Findings): void {
  const domains = new Set(svids.map(({ id }) => id.trustDomain));
  if (domains.size > 1) problems.push(`the certificates are from several trust domains: ${[...domains].join(', ')}`);
}

/** Never later than now: nothing is signed in the future. */
function timeOf(text: string | undefined, now: Date): Date {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? now : new Date(Math.min(time, now.getTime()));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
