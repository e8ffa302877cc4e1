import { createHash } from 'node:crypto';
import { defaultParamSpec, defaultTaskSpec } from '../../api/pipeline/v1/defaults.ts';
import type { ParamSpec } from '../../api/pipeline/v1/params.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { FormError, goForm } from './form.ts';

/** A Task, Pipeline or StepAction as it was found, before anything was added to it. */
export interface Definition {
  apiVersion: string;
  kind: string;
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  };
  spec: Readonly<Record<string, unknown>>;
}

export const signatureAnnotation = 'tekton.dev/signature';
/** Written by tools on the way, and the signature itself. */
const unsigned = [signatureAnnotation, 'kubectl-client-side-apply', 'kubectl.kubernetes.io/last-applied-configuration'];

/**
 * The digests that a signature of this definition may be over. `tkn` signs what is in the file, as the v1beta1 type
 * writes it; upstream's controller reads it as its own version with defaults set; and libraries before Kubernetes 1.34
 * wrote a creationTimestamp of null. Each is the whole definition: a form that would leave a field out is none.
 * @throws FormError when there is no form at all, naming the field.
 */
export function signedDigests(definition: Definition): Buffer[] {
  const texts = new Set<string>();
  const failures: FormError[] = [];
  const versions = [...new Set([definition.apiVersion, 'tekton.dev/v1beta1'])];
  const variants = [definition, withDefaults(definition)].map(signedPart);
  const forms = versions.flatMap((version) =>
    variants.map((variant) => [`${version} ${definition.kind}`, variant] as const),
  );
  for (const [form, variant] of forms)
    try {
      texts.add(goForm(form, variant, false)).add(goForm(form, variant, true));
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      failures.push(error);
    }
  if (texts.size === 0 && failures[0]) throw failures[0];
  return [...texts].map((text) => createHash('sha256').update(text).digest());
}

/**
 * What a new signature is over: the definition with its defaults, which then have to be in the file, so that whoever
 * sets them and whoever does not read the same.
 * @throws FormError naming a field that would not be signed
 */
export function toSign(definition: Definition): { definition: Definition; digest: Buffer } {
  const whole = withDefaults(definition);
  const text = goForm(`${whole.apiVersion} ${whole.kind}`, signedPart(whole));
  return { definition: whole, digest: createHash('sha256').update(text).digest() };
}

/** Upstream's Checksum of an object of its own version, in hex; undefined when it has fields that the type lacks. */
export function checksumOf(definition: Definition): string | undefined {
  try {
    const text = goForm(`${definition.apiVersion} ${definition.kind}`, signedPart(definition));
    return createHash('sha256').update(text).digest('hex');
  } catch (error) {
    if (error instanceof FormError) return undefined;
    throw error;
  }
}

function signedPart({ apiVersion, kind, metadata, spec }: Definition): Record<string, unknown> {
  const { name, generateName, namespace, labels } = metadata;
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => !unsigned.includes(key)),
  );
  return { apiVersion, kind, metadata: { name, generateName, namespace, labels, annotations }, spec };
}

/** Types of params and results, and kind Task of references, as upstream's SetDefaults adds them. */
function withDefaults(definition: Definition): Definition {
  const { kind, spec } = definition;
  const task = (given: unknown) => defaultTaskSpec(given as TaskSpec);
  if (kind !== 'Pipeline') return { ...definition, spec: task(spec) };
  const pipelineTasks = (list: unknown) =>
    Array.isArray(list) ? list.map((each) => withTaskDefaults(each as Record<string, unknown>, task)) : list;
  const { params, tasks, finally: last } = spec;
  return {
    ...definition,
    spec: {
      ...spec,
      ...(Array.isArray(params) ? { params: (params as ParamSpec[]).map(defaultParamSpec) } : {}),
      ...(tasks === undefined ? {} : { tasks: pipelineTasks(tasks) }),
      ...(last === undefined ? {} : { finally: pipelineTasks(last) }),
    },
  };
}

function withTaskDefaults(given: Record<string, unknown>, task: (spec: unknown) => TaskSpec): Record<string, unknown> {
  const { taskRef, taskSpec } = given as { taskRef?: Record<string, unknown>; taskSpec?: unknown };
  return {
    ...given,
    ...(taskRef && !taskRef['resolver'] ? { taskRef: { ...taskRef, kind: taskRef['kind'] || 'Task' } } : {}),
    ...(taskSpec ? { taskSpec: task(taskSpec) } : {}),
  };
}
