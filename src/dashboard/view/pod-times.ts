import type { KubeObject } from '../../resource.ts';
import { itemsOf, textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** When a pod was made and got its node, in milliseconds since the epoch; undefined while it has none. */
export interface PodTimes {
  created: number;
  scheduled: number | undefined;
}

/** Times of pods by name. Those that the API server has no time of are left out. */
export function podTimesOf(pods: Iterable<KubeObject>): ReadonlyMap<string, PodTimes> {
  const times = [...pods].map((pod): [string, PodTimes] => {
    const conditions = itemsOf(fieldsOf((pod as { status?: unknown }).status)['conditions']);
    const found = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'True');
    const scheduled = Date.parse(textOf(found?.['lastTransitionTime']));
    return [
      pod.metadata.name ?? '',
      {
        created: Date.parse(pod.metadata.creationTimestamp ?? ''),
        scheduled: Number.isNaN(scheduled) ? undefined : scheduled,
      },
    ];
  });
  return new Map(times.filter(([, { created }]) => !Number.isNaN(created)));
}
