import { checkSize, jsonSize, largestObject, tooLarge } from '../budget.ts';
import { credentials } from './credentials.ts';
import type { PodInput } from './input.ts';
import type { NewPod } from './types.ts';

/** The shortest JSON of a mount, a variable or an argument: `{"name":"a"},`. */
const leastItem = 13;
/** `{"name":"tekton-internal-run-0","mountPath":"/tekton/run/0","readOnly":true},` */
const runMount = 78;

const wayOut = 'give the Task fewer steps, move long scripts into an image, or split it';

/**
 * What a pod takes at least, counted without building it: every step mounts the run folders of all, and gets the
 * template's lists, the workspaces, the credentials and the names of the results.
 * @throws TooLargeError when that is too much already
 */
export function checkPodBefore(input: PodInput): void {
  const { spec, taskRun, workspaces, settings } = input;
  const steps = (spec.steps ?? []).length;
  const containers = steps + (spec.sidecars ?? []).length;
  const template = spec.stepTemplate ?? {};
  const creds = settings.flags.disableCredsInit ? undefined : credentials(input.secrets);
  const lists = [template.env, template.volumeMounts, template.volumeDevices, template.envFrom, creds?.mounts];
  const perStep =
    steps * runMount +
    count(lists, [taskRun.spec.podTemplate?.env]) * leastItem +
    texts((spec.results ?? []).map(({ name }) => name)) +
    texts(creds?.flags ?? []);
  const isolated = new Set(
    [...(spec.steps ?? []), ...(spec.sidecars ?? [])].flatMap((one) => one.workspaces ?? []).map(({ name }) => name),
  );
  const mounts = workspaces.filter(({ name }) => !isolated.has(name)).length;
  const size = steps * perStep + containers * mounts * leastItem + jsonSize(spec.steps ?? [], largestObject);
  if (size > largestObject) throw tooLarge(`a pod with ${steps} steps`, size, wayOut);
}

/** @throws TooLargeError for a pod that cannot be stored */
export function checkPod(pod: NewPod): void {
  checkSize(pod, `pod ${pod.metadata.name ?? ''}`, wayOut);
}

function count(...groups: (readonly unknown[] | undefined)[][]): number {
  return groups.flat().reduce((sum, list) => sum + (list ?? []).length, 0);
}

function texts(all: readonly string[]): number {
  return all.reduce((sum, text) => sum + text.length + 1, 0);
}
