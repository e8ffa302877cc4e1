import { toParamValue, type ParamSpec, type Param } from '../../api/pipeline/v1/params.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { recorded } from '../../core/digest/record.ts';
import { parseOrigin } from '../../core/inheritance/record.ts';
import { inputArtifacts, type NamedResult, type Report } from '../artifacts/hints.ts';
import { merged, type DigestedThing } from '../artifacts/merge.ts';
import { allNested, allTaskRuns, refSourceOf, resultsOf, stepResultsOf, type ExecutedTask } from './runs.ts';

/** Materials of a build: what went into it. `name` is the uri. */

const commitName = 'CHAINS-GIT_COMMIT';
const urlName = 'CHAINS-GIT_URL';

/** Images of the steps, then of the sidecars. */
export function imageMaterials(run: TaskRun, report: Report): DigestedThing[] {
  const owner = `TaskRun ${run.metadata.name}`;
  const steps = (run.status?.steps ?? []).flatMap((step) =>
    imageMaterial(step.imageID, `${owner}, step ${step.name}`, report),
  );
  const sidecars = (run.status?.sidecars ?? []).flatMap((sidecar) =>
    imageMaterial(sidecar.imageID, `${owner}, sidecar ${sidecar.name}`, report),
  );
  return [...merged(steps), ...merged(sidecars)];
}

/**
 * `name@alg:hex`, as the kubelet reports it. Others cannot be named: upstream then attests nothing at all, here the
 * image is left out. A container that never started has no imageID, which is nothing to report.
 */
function imageMaterial(imageId: string | undefined, subject: string, report: Report): DigestedThing[] {
  if (!imageId) return [];
  const [, name = '', algorithm = '', hex = ''] = /^([^@]+)@([^@:]+):([^@:]+)$/.exec(imageId) ?? [];
  if (name === '') {
    report({
      subject,
      message: `image left out of the materials: imageID ${JSON.stringify(imageId)} is not of the form name@sha256:hex`,
    });
    return [];
  }
  return [{ name: `oci://${name.replace(/^docker-pullable:\/\//, '')}`, digest: { [algorithm]: hex } }];
}

/** The earlier TaskRun whose results a TaskRun of a rerun has: what follows was built from what that one did. */
export function inheritedMaterial({ metadata, status }: TaskRun): DigestedThing[] {
  const origin = parseOrigin(recorded(status, 'inherited'));
  const [, algorithm = '', hex = ''] = /^([^:]+):(.+)$/.exec(origin?.digest ?? '') ?? [];
  if (origin === undefined || hex === '') return [];
  return [
    {
      name: `tekton:taskrun/${metadata.namespace}/${origin.pipelineRun}/${origin.taskRun}?uid=${origin.uid}`,
      digest: { [algorithm]: hex },
    },
  ];
}

/** Git source from defaults, params and results of a task (the last one counts), then its ARTIFACT_INPUTS. */
export function taskInputs(run: TaskRun, report: Report): DigestedThing[] {
  const results = resultsOf(run);
  return merged(
    gitMaterial([...defaults(run.status?.taskSpec?.params), ...values(run.spec.params), ...results]),
    inputArtifacts(results, report),
  );
}

/** The same from results of steps; the git source of each step on its own. */
export function stepInputs(run: TaskRun, report: Report): DigestedThing[] {
  const results = stepResultsOf(run);
  return merged(
    results.flatMap((step) => gitMaterial(step)),
    inputArtifacts(results.flat(), report),
  );
}

/**
 * What TaskRuns fetched for those after them in their pipeline: their inputs, and what the catalog's git-clone says it
 * has cloned in the results `url` and `commit`.
 */
export function fetchedInputs(runs: readonly TaskRun[], report: Report): DigestedThing[] {
  return runs.flatMap((run) => merged(taskInputs(run, report), stepInputs(run, report), clonedSource(resultsOf(run))));
}

function clonedSource(results: readonly NamedResult[]): DigestedThing[] {
  const text = (wanted: string) =>
    results.find(({ name, value }) => name === wanted && typeof value === 'string')?.value;
  const [url, commit] = [text('url'), text('commit')];
  if (typeof url !== 'string' || typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit.trim())) return [];
  return gitMaterial([
    { name: urlName, value: withoutCredentials(url.trim()) },
    { name: commitName, value: commit.trim() },
  ]);
}

/** Statements are read by everybody, and nobody meant this result to be in one. `ssh://git@host` names no secret. */
function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const read = new URL(url);
  if (read.username === '' && read.password === '') return url;
  read.password = '';
  if (read.protocol !== 'ssh:') read.username = '';
  return read.href;
}

/**
 * ARTIFACT_INPUTS of the pipeline, with deep inspection the inputs of each task and of the pipelines within it, then
 * the pipeline's git source.
 */
export function pipelineInputs(
  run: PipelineRun,
  tasks: readonly ExecutedTask[],
  deep: boolean,
  report: Report,
): DigestedThing[] {
  const own = ownInputs(run, report);
  const ofTasks = deep ? allTaskRuns(tasks).map((child) => taskInputs(child, report)) : [];
  const ofNested = deep ? allNested(tasks).flatMap((nested) => ownInputs(nested.run, report)) : [];
  return merged(own[0], ...ofTasks, ...ofNested, own[1]);
}

/** ARTIFACT_INPUTS among the results of the pipeline itself, and its git source. */
function ownInputs(run: PipelineRun, report: Report): [inputs: DigestedThing[], git: DigestedThing[]] {
  const results = resultsOf(run);
  const git = gitMaterial([...defaults(run.status?.pipelineSpec?.params), ...values(run.spec.params), ...results]);
  return [inputArtifacts(results, report), git];
}

/** The definition of a run as a material, when a resolver fetched it. */
export function definitionMaterial(run: TaskRun | PipelineRun): DigestedThing[] {
  const source = refSourceOf(run);
  return source ? [{ name: source.uri ?? '', digest: source.digest ?? {} }] : [];
}

/**
 * CHAINS-GIT_URL and CHAINS-GIT_COMMIT as an SPDX git locator. The commit is not checked, as upstream. Both are needed:
 * upstream makes `git+.git` of a commit alone.
 */
function gitMaterial(named: readonly NamedResult[]): DigestedThing[] {
  const last = (wanted: string): string => {
    const value = named.findLast(({ name }) => name === wanted)?.value;
    return typeof value === 'string' ? value : '';
  };
  const commit = last(commitName);
  const url = last(urlName);
  if (commit === '' || url === '') return [];
  return [
    {
      name: `${url.startsWith('git+') ? '' : 'git+'}${url}${url.endsWith('.git') ? '' : '.git'}`,
      digest: { sha1: commit },
    },
  ];
}

function defaults(specs: readonly ParamSpec[] | undefined): NamedResult[] {
  return (specs ?? []).flatMap((spec) =>
    spec.default === undefined ? [] : [{ name: spec.name, value: toParamValue(spec.default) }],
  );
}

function values(params: readonly Param[] | undefined): NamedResult[] {
  return (params ?? []).map(({ name, value }) => ({ name, value: toParamValue(value) }));
}
