import type { KubeClient } from '../../src/kube/client.ts';
import { events } from '../../src/kube/resources.ts';

/** Writes counted by the API server itself, by "VERB group/resource/subresource code". */
export type WriteCounts = Map<string, number>;

const writes = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);

function label(line: string, name: string): string {
  return new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
}

/** Reads apiserver_request_total: every write request the API server answered since it started. */
export function parseWrites(metrics: string): WriteCounts {
  const counts: WriteCounts = new Map();
  for (const line of metrics.split('\n')) {
    if (!line.startsWith('apiserver_request_total{') || !writes.has(label(line, 'verb'))) continue;
    const resource = [label(line, 'group'), label(line, 'resource'), label(line, 'subresource')]
      .filter(Boolean)
      .join('/');
    const key = `${label(line, 'verb')} ${resource} ${label(line, 'code')}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
  return counts;
}

export function difference(after: WriteCounts, before: WriteCounts): WriteCounts {
  const rows = [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return new Map(rows.filter(([, count]) => count > 0));
}

/**
 * The controller's own writes: everything on tekton.dev, and on pods and claims all but what kubelet, scheduler and
 * provisioner write (status, binding). Events come separately: the counters do not say whose they are.
 */
export function controllerWrites(counts: WriteCounts): WriteCounts {
  return new Map([...counts].filter(([key]) => /^\w+ (tekton\.dev\/\S+|pods|persistentvolumeclaims) /.test(key)));
}

export async function readWrites(client: KubeClient, signal: AbortSignal): Promise<WriteCounts> {
  return parseWrites(await client.raw('GET', '/metrics', { signal, accept: 'text/plain' }));
}

/** Event writes of our controller in a namespace: each repetition of an event was a write too. */
export async function controllerEvents(client: KubeClient, namespace: string, signal: AbortSignal): Promise<number> {
  const { items } = await client.list(events, { namespace, signal });
  const ours = (items as { source?: { component?: string }; reportingComponent?: string; count?: number }[]).filter(
    (event) => (event.source?.component ?? event.reportingComponent ?? '').startsWith('tekton-'),
  );
  return ours.reduce((sum, event) => sum + (event.count ?? 1), 0);
}
