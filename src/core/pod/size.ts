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
  const { spec, workspaces } = input;
  const steps = spec.steps ?? [];
  const all = [...steps, ...(spec.sidecars ?? [])];
  const isolated = new Set(all.flatMap((one) => one.workspaces ?? []).map(({ name }) => name));
  const mounts = workspaces.filter(({ name }) => !isolated.has(name)).length;
  const ofSteps = steps.length * leastOfStep(input, steps.length);
  const size = ofSteps + all.length * mounts * leastItem + jsonSize(steps, largestObject);
  if (size > largestObject) throw tooLarge(`a pod with ${steps.length} steps`, size, wayOut);
}

function leastOfStep({ spec, taskRun, settings, secrets }: PodInput, steps: number): number {
  const { env, volumeMounts, volumeDevices, envFrom } = spec.stepTemplate ?? {};
  const creds = settings.flags.disableCredsInit ? undefined : credentials(secrets);
  const lists = [env, volumeMounts, volumeDevices, envFrom, creds?.mounts, taskRun.spec.podTemplate?.env];
  return (
    steps * runMount +
    count(lists) * leastItem +
    texts((spec.results ?? []).map(({ name }) => name)) +
    texts(creds?.flags ?? [])
  );
}

/** @throws TooLargeError for a pod that cannot be stored */
export function checkPod(pod: NewPod): void {
  checkSize(pod, `pod ${pod.metadata.name ?? ''}`, wayOut);
}

function count(lists: (readonly unknown[] | undefined)[]): number {
  return lists.reduce((sum, list) => sum + (list ?? []).length, 0);
}

function texts(all: readonly string[]): number {
  return all.reduce((sum, text) => sum + text.length + 1, 0);
}
