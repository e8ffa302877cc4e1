import type { Finding, QueueState } from './report.ts';

const depthSample = 'kn_workqueue_depth';
const longestSample = 'kn_workqueue_longest_running_processor_seconds';
const sampleLine =
  /^(kn_workqueue_depth|kn_workqueue_longest_running_processor_seconds)\{name="([^"\n]{1,200})"[^}\n]{0,400}\} ([\d.e+-]{1,30})$/;
/** Longer than metrics of any role, which have some hundred series. */
const LONGEST = 4 * 1024 * 1024;
const MOST_QUEUES = 50;
/** More keys than these wait only when work does not keep up. */
const MANY = 500;
const LONG_SECONDS = 300;

interface Pod {
  namespace: string;
  pod: string;
}

/** Work queues, by the metrics of a pod. */
export function queuesOf({ namespace, pod, text }: Pod & { text: string }): QueueState[] {
  const found = new Map<string, QueueState>();
  for (const line of text.slice(0, LONGEST).split('\n')) {
    const [, sample, name = '', value] = sampleLine.exec(line) ?? [];
    const number = Number(value);
    if (sample === undefined || Number.isNaN(number)) continue;
    const queue = found.get(name) ?? { namespace, pod, name, depth: 0, longestSeconds: 0 };
    if (sample === depthSample) queue.depth = number;
    if (sample === longestSample) queue.longestSeconds = number;
    if (found.size < MOST_QUEUES) found.set(name, queue);
  }
  return [...found.values()];
}

export function queueFindings(queues: readonly QueueState[]): Finding[] {
  return queues.flatMap(({ namespace, pod, name, depth, longestSeconds }) => {
    const about = `queue ${name} of Pod ${namespace}/${pod}`;
    const remedy = `kubectl -n ${namespace} logs ${pod}; --kube-api-qps and --concurrency of the role say how fast it may work`;
    const told: Finding[] = [];
    if (depth > MANY) told.push({ severity: 'warning', about, text: `${depth} keys wait in it`, remedy });
    if (longestSeconds > LONG_SECONDS)
      told.push({
        severity: 'warning',
        about,
        text: `work on one key has taken ${Math.round(longestSeconds)} s and is not over`,
        remedy,
      });
    return told;
  });
}
