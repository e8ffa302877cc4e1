import { isSuccessful, succeededCondition } from '../../src/core/condition.ts';
import { messageOf } from '../../src/errors.ts';
import type { Access } from '../cluster-access/access.ts';
import { createNamespace, deleteNamespace } from '../cluster-access/namespaces.ts';
import { describe, waitForEnd } from '../cluster-access/runs.ts';
import { kubectlCreate } from './manifests.ts';

export interface Verdict {
  /** `none`: there is no run in the manifest. */
  verdict: 'pass' | 'fail' | 'none';
  /** Why it failed: kubectl's own words, or the run's condition. */
  detail: string;
}

export interface AttemptOptions {
  timeoutMs: number;
  /** Leave the namespace, to look at. */
  keep?: boolean;
}

/** Creates a manifest as `kubectl create -f` does, in a namespace of its own, and waits for the end of its runs. */
export async function attemptManifest(
  { client, kubectl, kubectlFlags }: Access,
  file: string,
  { timeoutMs, keep = false }: AttemptOptions,
): Promise<Verdict> {
  const signal = AbortSignal.timeout(timeoutMs);
  const namespace = await createNamespace(client, 'conformance', signal);
  try {
    const created = await kubectlCreate(kubectl, kubectlFlags, file, namespace);
    const runs = created.filter((object) => object.kind === 'TaskRun' || object.kind === 'PipelineRun');
    const ended = await Promise.all(runs.map((run) => waitForEnd(client, run, signal)));
    const bad = ended.find((run) => !isSuccessful(run.status));
    if (bad) return { verdict: 'fail', detail: describe(succeededCondition(bad.status)) };
    return runs.length === 0 ? { verdict: 'none', detail: 'no run in it' } : { verdict: 'pass', detail: '' };
  } catch (error) {
    return { verdict: 'fail', detail: messageOf(error) };
  } finally {
    if (!keep) await deleteNamespace(client, namespace, AbortSignal.timeout(30_000));
  }
}
