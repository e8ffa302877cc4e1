import { runCommand } from '../../src/commands/main.ts';
import { systemEnvironment } from '../../src/commands/environment.ts';
import { version } from '../../src/version.ts';
import { accessFlags, type Target } from '../deploy/pick-cluster.ts';

/** The tektite command line, in this process, against the demo's cluster. */
function tektite(target: Target, args: readonly string[]): Promise<number> {
  return runCommand(
    [...args, ...accessFlags(target, 'kubectl')],
    systemEnvironment(version),
    AbortSignal.timeout(15 * 60_000),
  );
}

/** Follows the run's logs to its end. Exit status 0 when they could be read. */
export function followRun(target: Target, namespace: string, name: string): Promise<number> {
  return tektite(target, ['pipelinerun', 'logs', name, '--follow', '--namespace', namespace]);
}

/** Describes the finished run. */
export async function describeRun(target: Target, namespace: string, name: string): Promise<void> {
  console.log('');
  await tektite(target, ['pipelinerun', 'describe', name, '--namespace', namespace]);
}

/** What a person may want to try next. */
export function whatNext(target: Target, kubectlPath: string, namespace: string): string {
  const access = accessFlags(target, 'kubectl').join(' ');
  return `
What to try next:
  ${kubectlPath} ${access} -n ${namespace} get pipelineruns,taskruns,pods
  npm run tektite -- pipelinerun list -n ${namespace} ${access}
  npm run tektite -- taskrun logs --last -n ${namespace} ${access}
  npm run demo                     again: the next run takes seconds to start
  ${target.kind === 'own' ? `hack/cluster down --name ${target.cluster}   take the cluster away` : `${kubectlPath} ${access} delete namespace ${namespace}`}`;
}
