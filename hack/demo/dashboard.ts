import { readFile } from 'node:fs/promises';
import { systemNamespace, type Values } from '../deploy/install.ts';
import { accessFlags, type Target } from '../deploy/pick-cluster.ts';
import type { Keys } from './attestations.ts';

/** The dashboard verifies what it shows with the key that signs. */
export async function dashboardValues({ publicKey }: Keys): Promise<Values> {
  return { 'webDashboard.provenanceKey': await readFile(publicKey, 'utf8') };
}

/** How to look at a run in a browser. */
export function whereToLook(target: Target, kubectlPath: string, run: { namespace: string; name: string }): string {
  const kubectl = `${kubectlPath} ${accessFlags(target, 'kubectl').join(' ')} -n ${systemNamespace}`;
  return `
The dashboard shows the run as a graph, with its logs and its signature:
  ${kubectl} port-forward svc/tekton-dashboard 9097
  ${kubectl} create token tekton-dashboard      to sign in
  http://localhost:9097/runs/${run.namespace}/${run.name}`;
}
