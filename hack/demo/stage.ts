import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { root } from '../command.ts';
import type { Target } from '../deploy/pick-cluster.ts';

const demoFolder = path.join(root, 'hack/demo');

/** The cluster that the demo plays on, and kubectl in the demo's namespace there. */
export interface Stage {
  target: Target;
  namespace: string;
  kubectl: (args: readonly string[], input?: string) => Promise<string>;
}

/** Where the pipeline pushes to, and what it builds on. */
export interface BuildPlace {
  address: string;
  baseImage: string;
}

/** A manifest of the demo, with these words replaced. */
export async function manifest(file: string, words: Readonly<Record<string, string>> = {}): Promise<string> {
  const text = await readFile(path.join(demoFolder, 'manifests', file), 'utf8');
  return Object.entries(words).reduce((filled, [word, value]) => filled.replaceAll(word, value), text);
}

/** The words of manifests that say where to build. */
export const placeWords = ({ address, baseImage }: BuildPlace) => ({ REGISTRY: address, BASE_IMAGE: baseImage });

/** Sample repository, tasks and pipeline, in a namespace that is there. */
export async function prepareStage({ target, namespace, kubectl }: Stage): Promise<BuildPlace> {
  const registryOfCluster = target.kind === 'own' ? 'registry.tektite-registry.svc.cluster.local:5000' : undefined;
  await kubectl(['apply', '-f', '-'], await sampleSources());
  const files = ['git-server.yaml', 'tasks.yaml', 'pipeline.yaml', ...(registryOfCluster ? [] : ['registry.yaml'])];
  for (const file of files) await kubectl(['apply', '-f', path.join(demoFolder, 'manifests', file)]);
  await rolledOut('git-server', kubectl);
  if (registryOfCluster) return { address: registryOfCluster, baseImage: `${registryOfCluster}/library/node:24-slim` };
  await rolledOut('registry', kubectl);
  return { address: `registry.${namespace}.svc.cluster.local:5000`, baseImage: 'docker.io/library/node:24-slim' };
}

/** @throws with the state of its pods, which says why it does not come up. */
async function rolledOut(app: string, kubectl: Stage['kubectl']): Promise<void> {
  try {
    await kubectl(['rollout', 'status', `deployment/${app}`, '--timeout=180s']);
  } catch (error) {
    const pods = await kubectl(['get', 'pods', '--selector', `app=${app}`]);
    throw new Error(`deployment ${app} of the demo does not come up:\n${pods.trimEnd()}`, { cause: error });
  }
}

async function sampleSources(): Promise<string> {
  const folder = path.join(demoFolder, 'app');
  const files = await Promise.all(
    (await readdir(folder)).map(async (file) => [file, await readFile(path.join(folder, file), 'utf8')] as const),
  );
  return stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'sample-sources' },
    data: Object.fromEntries(files),
  });
}
