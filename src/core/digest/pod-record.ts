import { z } from 'zod';
import { podChanges } from '../pod/changes.ts';
import { isStepContainer } from '../pod/names.ts';
import type { Container, NewPod, Pod, PodSpec } from '../pod/types.ts';
import { sortedJson } from './canonical-json.ts';
import { kept } from './fields.ts';
import { shortDigestOf } from './record.ts';
import { onceFor } from '../../memo.ts';

const schema = z.object({
  uid: z.string().min(1),
  /** Digest of the pod as it was sent. */
  sent: z.string(),
  /** Digest of its spec as the API server gave it back, without what may still change (`fixedSpec`). */
  spec: z.string(),
  /** The image of each container in the same answer, as `kept` has it. */
  images: z.record(z.string(), z.string()),
  /** Field paths in which the answer differs from what was sent: what a mutating webhook changed. */
  changes: z.array(z.string()).optional(),
});

/** What a TaskRun records of the pod of its current attempt. */
export type PodRecord = z.infer<typeof schema>;

/** More are not listed; `longest` bounds each. */
const mostChanges = 20;
const longestChange = 200;

/** The record of a pod that was just made, or taken over as if it were: as it was sent and as the API server has it. */
export function podRecord(sent: NewPod, returned: Pod): string {
  const changes = podChanges(sent, returned).slice(0, mostChanges);
  const record: PodRecord = {
    uid: returned.metadata.uid ?? '',
    sent: shortDigestOf(sent),
    spec: fixedDigest(returned.spec),
    images: imagesOf(returned.spec),
    ...(changes.length > 0 ? { changes: changes.map((path) => path.slice(0, longestChange)) } : {}),
  };
  return sortedJson(record);
}

/**
 * What a mutating webhook changed in a pod at its creation, but for fields at or below a path in `allowed`. A list that
 * is as long as lists get may lack some, so that nothing in it is allowed.
 */
export function changesAtCreation({ changes = [] }: PodRecord, allowed: readonly string[]): string[] {
  if (changes.length >= mostChanges) return changes;
  const isAllowed = (field: string) => allowed.some((path) => field === path || /^[.[]/.test(after(field, path)));
  return changes.filter((field) => !isAllowed(field));
}

/** What follows the path in a field's; empty when the field is not below it. */
function after(field: string, path: string): string {
  return field.startsWith(path) ? field.slice(path.length) : '';
}

/** Undefined for a text that is no such record. */
export function readPodRecord(text: string | undefined): PodRecord | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Field paths in which a pod is no longer as it was created, as far as that decides what ran: images, containers added
 * for debugging, a step that was run again (which only a changed container is), deadlines.
 */
export function changesSince(record: PodRecord, pod: Pod): string[] {
  const images = Object.entries(imagesOf(pod.spec)).filter(([name, image]) => record.images[name] !== image);
  const { ephemeralContainers = [] } = pod.spec;
  const again = (pod.status?.containerStatuses ?? []).filter(
    ({ name, restartCount = 0, lastState }) => isStepContainer(name) && restartCount > 0 && lastState?.terminated,
  );
  return [
    ...images.map(([name]) => `spec.containers[${name}].image`),
    ...ephemeralContainers.map(({ name }) => `spec.ephemeralContainers[${name}]`),
    ...(fixedDigest(pod.spec) === record.spec ? [] : ['spec']),
    ...again.map(({ name }) => `status.containerStatuses[${name}].restartCount`),
  ];
}

/** Objects of the caches do not change in place, and a pod is looked at whenever its status changes. */
const fixedDigest = onceFor((spec: PodSpec) => shortDigestOf(fixedSpec(spec)));

/**
 * A pod's spec without what is judged by name (images, ephemeral containers), without where it is placed, which the
 * scheduler decides, and without compute resources, which autoscalers resize in place.
 */
function fixedSpec(spec: PodSpec): object {
  const {
    nodeName: _node,
    nodeSelector: _selector,
    affinity: _affinity,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ephemeralContainers: _ephemeral,
    resources: _resources,
    ...fixed
  } = spec;
  const withoutImage = ({ image: _image, resources: _own, ...container }: Container) => container;
  return {
    ...fixed,
    containers: spec.containers.map(withoutImage),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(withoutImage) } : {}),
  };
}

function imagesOf({ initContainers = [], containers }: PodSpec): Record<string, string> {
  return Object.fromEntries([...initContainers, ...containers].map(({ name, image = '' }) => [name, kept(image)]));
}
