/**
 * `npm run conformance -- DIR`: creates every manifest below DIR as `kubectl create -f` does, each in a namespace of
 * its own, waits for the runs in it and prints one line each. Exit status 1 when one does not end Succeeded.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openCluster } from '../cluster-access/access.ts';
import { attemptManifest, type Verdict } from './attempt.ts';
import { manifestsOf } from './manifests.ts';

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

const access = await openCluster(options, 'tektite-conformance');
const attemptOptions = { timeoutMs: Number(options.timeout) * 1000, keep: options.keep };

const files = manifestsOf(folder);
const verdicts: Verdict['verdict'][] = [];
const waiting = [...files];
async function worker(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const started = Date.now();
    const { verdict, detail } = await attemptManifest(access, file, attemptOptions);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    const name = path.relative(folder ?? '', file) || path.basename(file);
    verdicts.push(verdict);
    console.log(`${verdict.toUpperCase()} ${name} ${seconds} s${detail && `: ${detail.replaceAll('\n', ' ')}`}`);
  }
}
await Promise.all(Array.from({ length: Math.max(1, Number(options.parallel)) }, worker));
await access.client.close();

const count = (kind: Verdict['verdict']) => verdicts.filter((verdict) => verdict === kind).length;
console.log(
  `\n${count('pass')} passed, ${count('fail')} failed${count('none') > 0 ? `, ${count('none')} skipped` : ''} of ${files.length}`,
);
process.exitCode = count('fail') === 0 && files.length > 0 ? 0 : 1;
