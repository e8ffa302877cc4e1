/**
 * `npm run conformance -- DIR`: creates every manifest below DIR as `kubectl create -f` does, each in a namespace of
 * its own, waits for the runs in it and prints one line each. Exit status 1 when one does not end Succeeded.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isSuccessful, succeededCondition } from '../../src/core/condition.ts';
import { openCluster } from '../cluster-access/access.ts';
import { createNamespace, deleteNamespace } from '../cluster-access/namespaces.ts';
import { describe, waitForEnd } from '../cluster-access/runs.ts';
import { kubectlCreate, manifestsOf } from './manifests.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    parallel: { type: 'string', default: '4' },
    timeout: { type: 'string', default: '300' },
    keep: { type: 'boolean', default: false },
  },
});

const folder = positionals[0];
if (folder === undefined || !existsSync(folder)) {
  if (folder !== undefined) console.error(`conformance: there is no file or folder ${JSON.stringify(folder)}`);
  console.error(
    'usage: npm run conformance -- DIR [--context NAME] [--kubeconfig FILE] [--parallel 4] [--timeout SECONDS] [--keep]',
  );
  process.exit(2);
}

const { client, kubectl, kubectlFlags } = await openCluster(options, 'tektite-conformance');

interface Verdict {
  file: string;
  verdict: 'pass' | 'fail' | 'none';
  seconds: number;
  detail: string;
}

async function tryManifest(file: string): Promise<Verdict> {
  const started = Date.now();
  const signal = AbortSignal.timeout(Number(options.timeout) * 1000);
  const verdict = (kind: Verdict['verdict'], detail: string): Verdict => ({
    file,
    verdict: kind,
    detail,
    seconds: (Date.now() - started) / 1000,
  });
  const namespace = await createNamespace(client, 'conformance', signal);
  try {
    const created = await kubectlCreate(kubectl, kubectlFlags, file, namespace);
    const runs = created.filter((object) => object.kind === 'TaskRun' || object.kind === 'PipelineRun');
    const ended = await Promise.all(runs.map((run) => waitForEnd(client, run, signal)));
    const bad = ended.find((run) => !isSuccessful(run.status));
    if (bad) return verdict('fail', describe(succeededCondition(bad.status)));
    return runs.length === 0 ? verdict('none', 'no run in it') : verdict('pass', '');
  } catch (error) {
    return verdict('fail', error instanceof Error ? error.message : String(error));
  } finally {
    if (!options.keep) await deleteNamespace(client, namespace, AbortSignal.timeout(30_000));
  }
}

const files = manifestsOf(folder);
const verdicts: Verdict[] = [];
const waiting = [...files];
async function worker(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const result = await tryManifest(file);
    verdicts.push(result);
    const name = path.relative(folder ?? '', file) || path.basename(file);
    console.log(
      `${result.verdict.toUpperCase()} ${name} ${result.seconds.toFixed(1)} s${result.detail ? `: ${result.detail.replaceAll('\n', ' ')}` : ''}`,
    );
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(options.parallel)) }, worker));
await client.close();

const count = (kind: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === kind).length;
console.log(
  `\n${count('pass')} passed, ${count('fail')} failed${count('none') > 0 ? `, ${count('none')} skipped` : ''} of ${files.length}`,
);
process.exitCode = count('fail') === 0 && files.length > 0 ? 0 : 1;
