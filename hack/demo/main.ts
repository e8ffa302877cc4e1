/**
 * `npm run demo`: picks a cluster, installs Tektite into it, serves a sample repository there and runs a real CI
 * pipeline on it: clone, test, build an image without a daemon, push it, report. Ends with the run's results and what
 * to try next.
 */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { messageOf } from '../../src/errors.ts';
import { command, root } from '../command.ts';
import { progress } from '../progress.ts';
import { install } from '../deploy/install.ts';
import { accessFlags, pickCluster, programPath, type Choice, type Target } from '../deploy/pick-cluster.ts';
import { chainsValues, cosignPath, provideKeys, showVerification, tamper, waitUntilSigned } from './attestations.ts';
import { describeRun, followRun, whatNext } from './show-run.ts';

const namespace = 'tektite-demo';
const demoFolder = path.join(root, 'hack/demo');
const standIns = ['git', 'node', 'busybox', 'crane'];

/** The cluster that the demo plays on, and kubectl in the demo's namespace there. */
interface Stage {
  target: Target;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** @returns the exit status: 0 when the pipeline succeeded. */
async function demo(choice: Choice): Promise<number> {
  const target = await pickCluster(choice);
  const kubectlPath = await programPath(target, 'kubectl');
  const kubectl: Stage['kubectl'] = (args, input) =>
    command(
      [kubectlPath, ...accessFlags(target, 'kubectl'), '--namespace', namespace, ...args],
      input === undefined ? {} : { input },
    );
  const stage = { target, kubectl };
  const cosign = await cosignPath(target);
  await install(target, cosign ? chainsValues : {});
  const publicKey = cosign && (await provideKeys(cosign, kubectl));
  const name = await startPipeline(await prepare(stage), stage);
  await followRun(target, namespace, name);
  await describeRun(target, namespace, name);
  if (cosign && publicKey) await showAttestations(name, { cosign, publicKey }, stage);
  else console.log('\ncosign is not on PATH: install it to see the run signed and verified');
  console.log(whatNext(target, kubectlPath, namespace));
  return (await kubectl(['get', 'pipelinerun', name, '-o', 'jsonpath={.status.conditions[0].status}'])) === 'True'
    ? 0
    : 1;
}

/** Namespace, sample repository, tasks and pipeline. Returns the registry and base image that the run is to use. */
async function prepare({ target, kubectl }: Stage): Promise<{ address: string; baseImage: string }> {
  const registryOfCluster = target.kind === 'own' ? 'registry.tektite-registry.svc.cluster.local:5000' : undefined;
  if (target.kind === 'own') {
    progress('pushing the images that the example uses (built from Debian packages the first time)');
    await command(['hack/images', 'push', `http://${target.registry}`, ...standIns], { show: true });
  }
  progress(`preparing namespace ${namespace}: a git server with a sample repository, tasks and a pipeline`);
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl(
    ['apply', '-f', '-'],
    stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }),
  );
  await kubectl(['apply', '-f', '-'], await sampleSources());
  const manifests = ['git-server.yaml', 'tasks.yaml', 'pipeline.yaml', ...(registryOfCluster ? [] : ['registry.yaml'])];
  for (const file of manifests) await kubectl(['apply', '-f', path.join(demoFolder, 'manifests', file)]);
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

async function startPipeline(to: { address: string; baseImage: string }, { kubectl }: Stage): Promise<string> {
  const manifest = await readFile(path.join(demoFolder, 'manifests/pipelinerun.yaml'), 'utf8');
  const filled = manifest.replace('REGISTRY', to.address).replace('BASE_IMAGE', to.baseImage);
  const created = (await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.name}'], filled)).trim();
  progress(`created PipelineRun ${created}; its logs:`);
  return created;
}

/** The registry is asked under the address that this machine reaches it by; inside the cluster it has a name. */
async function showAttestations(
  run: string,
  { cosign, publicKey }: { cosign: string; publicKey: string },
  { target, kubectl }: Stage,
): Promise<void> {
  await waitUntilSigned(kubectl, run);
  const result = (key: string) =>
    kubectl(['get', 'pipelinerun', run, '-o', `jsonpath={.status.results[?(@.name=="${key}")].value}`]);
  const [url, digest] = await Promise.all([result('IMAGE_URL'), result('IMAGE_DIGEST')]);
  if (target.kind !== 'own') {
    console.log(
      `\nThe image is signed. Inside the cluster: cosign verify --key ${publicKey} --insecure-ignore-tlog=true --allow-http-registry ${url}@${digest}`,
    );
    return;
  }
  const repository = url.replace(/^[^/]+/, target.registry).replace(/:[^:/]+$/, '');
  const image = `${repository}@${digest}`;
  await showVerification({ cosign, publicKey, image }, await tamper(image));
}

try {
  const { values } = parseArgs({
    options: { context: { type: 'string' }, kubeconfig: { type: 'string' }, registry: { type: 'string' } },
  });
  const { TEKTITE_CONTEXT, TEKTITE_REGISTRY } = process.env;
  process.exitCode = await demo({ context: TEKTITE_CONTEXT, registry: TEKTITE_REGISTRY, ...values });
} catch (error) {
  console.error(`npm run demo: ${messageOf(error)}`);
  process.exitCode = 1;
}
