import { progress } from '../progress.ts';
import type { Values } from '../deploy/install.ts';
import { manifest, type Stage } from './stage.ts';

/** Finished runs are pruned where a namespace says how many it keeps. */
export const prunerValues: Values = { 'pruner.enabled': 'true', 'pruner.limits.enforcedConfigLevel': 'namespace' };

const RUNS = 3;
const selector = 'app=greeting';
const LONGEST_MS = 120_000;

/** Makes some short runs and shows that the namespace's limit leaves one of them, once they are signed. */
export async function showHistory({ kubectl }: Stage): Promise<void> {
  progress(`making ${RUNS} short TaskRuns, of which the namespace keeps one (historyLimit: 1)`);
  await kubectl(['delete', 'taskruns', '--selector', selector, '--wait=false']);
  await kubectl(['apply', '-f', '-'], await manifest('history.yaml'));
  const greeting = await manifest('greeting.yaml');
  const made: string[] = [];
  for (let count = 0; count < RUNS; count += 1)
    made.push((await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.name}'], greeting)).trim());
  const until = Date.now() + LONGEST_MS;
  for (;;) {
    const left = (await kubectl(['get', 'taskruns', '--selector', selector, '-o', 'name'])).trim().split('\n');
    const mine = left.filter((name) => made.includes(name.replace(/^.*\//, '')));
    if (mine.length === 1) {
      console.log(`\nHistory: ${made.join(', ')} have run and are signed; ${mine.join()} is kept`);
      return;
    }
    if (Date.now() > until) throw new Error(`of ${made.join(', ')} there are still ${mine.join(', ') || 'none'}`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
