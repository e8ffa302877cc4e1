import { closest } from 'fastest-levenshtein';
import { sidecarOnlyFields } from '../../../api/core/container.ts';
import { storedVersion } from '../../../api/kind.ts';
import { findKind } from '../../../api/kinds.ts';
import { isLintRule, lintRules } from './rules.ts';
import { advice, type Advice } from './wording.ts';
import { isJsonObject, type JsonObject } from '../../../json-object.ts';

/** Names of rules that are not to be looked at in this object, with commas between. */
export const DISABLE = 'tektite.dev/lint-disable';

/** The annotations of an object as it was written; what is no text is another check's. */
export function annotationsOf({ metadata }: JsonObject): Record<string, string> {
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  if (!isJsonObject(annotations)) return {};
  return Object.fromEntries(
    Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The object as a whole. @param given as it was written */
export function objectAdvice(given: JsonObject): Advice[] {
  const annotations = annotationsOf(given);
  return [
    ...versionAdvice(given, 'apiVersion'),
    ...deprecatedFields(given),
    ...chainsAdvice(given, annotations),
    ...serverFields(given),
    ...sizeAdvice(given),
    ...disabledIn(annotations)
      .filter((name) => !isLintRule(name))
      .map((name) =>
        advice(
          'unknown-rule',
          `metadata.annotations[${DISABLE}]`,
          `there is no rule ${JSON.stringify(name)}${meant(name)}`,
        ),
      ),
  ];
}

/** What an annotation asks to leave out, known or not. */
export function disabledIn(annotations: Readonly<Record<string, string>>): string[] {
  const given = Object.hasOwn(annotations, DISABLE) ? annotations[DISABLE] : undefined;
  return (given ?? '').split(',').flatMap((name) => name.trim() || []);
}

/** "; did you mean ...?" for the name of a rule that is none. */
export function meant(name: string): string {
  return name.length <= 64 ? `; did you mean "${closest(name, Object.keys(lintRules))}"?` : '';
}

export function versionAdvice({ apiVersion, kind }: JsonObject, path: string): Advice[] {
  const found = findKind(String(apiVersion), String(kind));
  if (!found || found.version.storage) return [];
  const newer = `${found.kind.group}/${storedVersion(found.kind).name}`;
  return [advice('old-version', path, `${found.kind.kind} has ${newer}; write that`)];
}

const REMOVED: Readonly<Record<string, string>> = {
  ClusterTask: 'write a Task, and refer to it with the cluster resolver',
  Condition: 'write when in the task of the pipeline',
  PipelineResource: 'give params, and have a task fetch what it needs into a workspace',
  Run: 'write a CustomRun',
};

/** For what is no kind of ours. */
export function removedAdvice({ apiVersion, kind }: JsonObject): Advice[] {
  if (typeof kind !== 'string' || typeof apiVersion !== 'string' || !apiVersion.startsWith('tekton.dev/')) return [];
  if (!Object.hasOwn(REMOVED, kind)) return [];
  return [advice('removed-kind', 'kind', `Tekton has no ${kind} any more; ${REMOVED[kind]}`)];
}

/** Fields of v1beta1 that v1 has not. */
function deprecatedFields({ apiVersion, kind, spec }: JsonObject): Advice[] {
  if (apiVersion !== 'tekton.dev/v1beta1' || !isJsonObject(spec)) return [];
  return [
    ...(kind === 'PipelineRun' && spec['timeout'] !== undefined
      ? [advice('deprecated-field', 'spec.timeout', 'v1 has timeouts.pipeline instead')]
      : []),
    ...taskSpecsIn(spec, 'spec').flatMap(({ task, at }) => stepFields(task, at)),
  ];
}

function taskSpecsIn(spec: JsonObject, at: string): { task: JsonObject; at: string }[] {
  const inner = ['tasks', 'finally'].flatMap((section) => {
    const tasks: unknown = spec[section];
    return Array.isArray(tasks)
      ? tasks.map((task: unknown, index) => ({ child: task, at: `${at}.${section}[${index}]` }))
      : [];
  });
  const children = [...inner, { child: spec, at }].flatMap(({ child, at: place }) =>
    ['taskSpec', 'pipelineSpec'].flatMap((field) => {
      const value = isJsonObject(child) ? child[field] : undefined;
      return isJsonObject(value) ? taskSpecsIn(value, `${place}.${field}`) : [];
    }),
  );
  return [{ task: spec, at }, ...children];
}

function stepFields({ steps }: JsonObject, at: string): Advice[] {
  if (!Array.isArray(steps)) return [];
  return steps.flatMap((step: unknown, index) =>
    Object.keys(sidecarOnlyFields).flatMap((field) =>
      isJsonObject(step) && step[field] !== undefined
        ? [advice('deprecated-field', `${at}.steps[${index}].${field}`, `v1 has no ${field} of a step; leave it out`)]
        : [],
    ),
  );
}

const CHAINS = 'chains.tekton.dev/';
const FREE = new Set([`${CHAINS}sign`, `${CHAINS}transparency-upload`]);
const RUNS = new Set(['TaskRun', 'PipelineRun', 'CustomRun']);

function chainsAdvice({ kind }: JsonObject, annotations: Readonly<Record<string, string>>): Advice[] {
  if (!RUNS.has(String(kind))) return [];
  return Object.keys(annotations)
    .filter((name) => name.startsWith(CHAINS) && !FREE.has(name))
    .map((name) => advice('chains-annotation', `metadata.annotations[${name}]`, 'only Chains writes it; leave it out'));
}

/** What an object that was copied from a cluster has. */
const OF_SERVER = ['creationTimestamp', 'generation', 'managedFields', 'resourceVersion', 'selfLink', 'uid'];

function serverFields({ metadata, status }: JsonObject): Advice[] {
  const own = OF_SERVER.filter((field) => isJsonObject(metadata) && (metadata[field] ?? undefined) !== undefined);
  return [
    ...own.map((field) => `metadata.${field}`),
    ...(isJsonObject(status) && Object.keys(status).length > 0 ? ['status'] : []),
  ].map((path) => advice('server-field', path, 'the cluster writes it; leave it out'));
}

/** All annotations of an object together may have this many bytes; kubectl apply keeps a copy of the object there. */
const LARGEST_ANNOTATIONS = 256 * 1024;

function sizeAdvice(given: JsonObject): Advice[] {
  const size = Buffer.byteLength(JSON.stringify(given));
  if (size <= LARGEST_ANNOTATIONS) return [];
  const message = `${size} bytes are more than kubectl apply can keep a copy of; use kubectl apply --server-side, or make it smaller`;
  return [advice('object-size', '', message)];
}
