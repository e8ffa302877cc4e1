import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import { countHints, imagesToSign, type Report } from '../artifacts/hints.ts';
import type { Artifact, FormatProblem, FormatSettings, ImageSubject, RunObject, StatementFormat } from '../types.ts';
import { executedTasks, isPipelineRun, resultsOf } from './runs.ts';
import { simpleSigningPayload } from './simplesigning.ts';
import { statementPayload, type Statement, type StatementSource } from './statement.ts';
import { countSubjects } from './subjects.ts';
import { provenanceV02 } from './v02.ts';
import { provenanceV1 } from './v1.ts';

/** Runs that a statement speaks of besides its own, as far as they are still there, in any order. */
interface OtherRuns {
  others: readonly TaskRun[];
  /** PipelineRuns within a PipelineRun, with what those made. */
  nested: readonly NestedRun[];
}

/**
 * Everything to be signed for a finished run: its attestation, then the images that its results name (of a PipelineRun
 * too, which upstream only attests). A type that is not enabled gives nothing. Pure; never throws on what results say:
 * hints that cannot be used are in `problems`, the rest stands.
 * @param others of a PipelineRun the TaskRuns that it made; of a TaskRun those before it in its pipeline
 * @param nested PipelineRuns within a PipelineRun, with what they made
 */
export function artifactsOf(
  run: RunObject,
  others: readonly TaskRun[],
  settings: FormatSettings,
  nested: readonly NestedRun[] = [],
): { artifacts: Artifact[]; problems: FormatProblem[] } {
  const problems = new Map<string, FormatProblem>();
  // Results are read several times: each fault is told once.
  const report: Report = (problem) => problems.set(`${problem.subject}\n${problem.message}`, problem);
  const artifacts = [...attestation(run, { others, nested }, settings, report), ...images(run, settings, report)];
  return { artifacts, problems: [...problems.values()] };
}

/** Whether the run itself reports anything that its attestation would have as a subject. */
export function reportsArtifacts(run: RunObject): boolean {
  return countSubjects(run, [], false) > 0;
}

/** Signatures of images that one run may ask for: each is a call to the signer, the log and a registry. */
const mostImages = 256;
/** Subjects of one attestation, which is stored beside each of them. */
const mostSubjects = 1024;

function images(run: RunObject, settings: FormatSettings, report: Report): Artifact[] {
  if (!settings.oci.enabled) return [];
  const count = countHints(resultsOf(run));
  if (count > mostImages) {
    report(
      tooMany(run, `name ${count} images and other artifacts, and at most ${mostImages} images of a run are signed`),
    );
    return [];
  }
  return imagesToSign(resultsOf(run), report).map(imageArtifact);
}

function tooMany(run: RunObject, message: string): FormatProblem {
  return {
    subject: `results of ${run.metadata.name}`,
    message: `${message}: none of them; let several runs build them`,
    refused: true,
  };
}

function attestation(
  run: RunObject,
  { others, nested }: OtherRuns,
  settings: FormatSettings,
  report: Report,
): Artifact[] {
  const kind = isPipelineRun(run) ? 'pipelinerun' : 'taskrun';
  const { enabled, format } = settings[kind];
  if (!enabled) return [];
  const tasks = isPipelineRun(run) ? executedTasks(run, others, nested) : [];
  const earlier = isPipelineRun(run) ? [] : others;
  const count = countSubjects(run, tasks, settings.pipelinerun.deepInspection);
  if (count > mostSubjects) {
    report(tooMany(run, `name ${count} artifacts, and an attestation may have ${mostSubjects} subjects`));
    return [];
  }
  const uid = run.metadata.uid ?? '';
  return [
    {
      kind,
      shortKey: `${kind}-${uid}`,
      fullKey: `${(run.apiVersion ?? '').replace('/', '-')}-${run.kind}-${uid}`,
      payload: statementPayload(statement(format, { run, tasks, earlier, settings, report })),
    },
  ];
}

function statement(format: StatementFormat, source: StatementSource): Statement {
  switch (format) {
    case 'in-toto':
    case 'slsa/v1':
      return provenanceV02(source);
    case 'slsa/v2alpha3':
      return provenanceV1('v2alpha3', source);
    case 'slsa/v2alpha4':
      return provenanceV1('v2alpha4', source);
    default: {
      const never: never = format;
      return never;
    }
  }
}

function imageArtifact(image: ImageSubject): Artifact {
  return {
    kind: 'oci',
    shortKey: image.digest.slice('sha256:'.length).slice(0, 12),
    fullKey: `${image.repository}@${image.digest}`,
    payload: simpleSigningPayload(image),
  };
}
