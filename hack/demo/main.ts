/**
 * `npm run demo`: picks a cluster, installs Tektite into it, serves a sample repository there and runs a real CI
 * pipeline on it: clone, test, build an image without a daemon, push it, report. Ends with the run's results, a pruned
 * history, the address of the dashboard and what to try next. With --trigger it is a push to the repository that starts
 * the pipeline.
 */
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { messageOf } from '../../src/errors.ts';
import { command } from '../command.ts';
import { progress } from '../progress.ts';
import { install } from '../deploy/install.ts';
import { accessFlags, pickCluster, programPath, type Choice } from '../deploy/pick-cluster.ts';
import {
  chainsValues,
  cosignPath,
  findKeys,
  showVerification,
  storeKeys,
  tamper,
  waitUntilSigned,
} from './attestations.ts';
import { dashboardValues, whereToLook } from './dashboard.ts';
import { prunerValues, showHistory } from './history.ts';
import { describeRun, followRun, whatNext } from './show-run.ts';
import { manifest, placeWords, prepareStage, type BuildPlace, type Stage } from './stage.ts';
import { headOfMain, listen, push, runOf } from './trigger.ts';

const namespace = 'tektite-demo';
const standIns = ['git', 'node', 'busybox', 'crane'];

/** @returns the exit status: 0 when the pipeline succeeded. */
async function demo(choice: Choice, isTriggered: boolean): Promise<number> {
  const target = await pickCluster(choice);
  const kubectlPath = await programPath(target, 'kubectl');
  const kubectl: Stage['kubectl'] = (args, input) =>
    command(
      [kubectlPath, ...accessFlags(target, 'kubectl'), '--namespace', namespace, ...args],
      input === undefined ? {} : { input },
    );
  const stage = { target, namespace, kubectl };
  const cosign = await cosignPath(target);
  const keys = cosign && (await findKeys(cosign, kubectl));
  await install(target, keys ? { ...prunerValues, ...chainsValues, ...(await dashboardValues(keys)) } : prunerValues);
  if (keys) await storeKeys(keys, kubectl);
  const start = isTriggered ? pushToListener : startPipeline;
  const name = await start(await prepare(stage), stage);
  await followRun(target, namespace, name);
  await describeRun(target, namespace, name);
  if (cosign && keys) await showAttestations(name, { cosign, ...keys }, stage);
  else console.log('\ncosign is not on PATH: install it to see the run signed and verified');
  await showHistory(stage);
  console.log(whereToLook(target, kubectlPath, { namespace, name }));
  console.log(whatNext(target, kubectlPath, namespace));
  return (await kubectl(['get', 'pipelinerun', name, '-o', 'jsonpath={.status.conditions[0].status}'])) === 'True'
    ? 0
    : 1;
}

/** Images and namespace, then what the demo plays with. */
async function prepare(stage: Stage): Promise<BuildPlace> {
  const { target, kubectl } = stage;
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
  return prepareStage(stage);
}

async function startPipeline(place: BuildPlace, { kubectl }: Stage): Promise<string> {
  const filled = await manifest('pipelinerun.yaml', placeWords(place));
  const created = (await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.name}'], filled)).trim();
  progress(`created PipelineRun ${created}; its logs:`);
  return created;
}

/** A push starts the pipeline. */
async function pushToListener(place: BuildPlace, stage: Stage): Promise<string> {
  const { kubectl } = stage;
  progress('making an EventListener for pushes, as GitHub sends them');
  await listen(stage, place);
  const commit = await headOfMain(kubectl);
  progress(`sending the push of commit ${commit}, signed; the listener answers:`);
  const answer = await push(kubectl, commit);
  console.log(answer);
  const run = await runOf(kubectl, answer);
  progress(`the push made PipelineRun ${run}; its logs:`);
  return run;
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
    options: {
      context: { type: 'string' },
      kubeconfig: { type: 'string' },
      registry: { type: 'string' },
      trigger: { type: 'boolean', default: false },
    },
  });
  const { TEKTITE_CONTEXT, TEKTITE_REGISTRY } = process.env;
  const { trigger, ...choice } = values;
  process.exitCode = await demo({ context: TEKTITE_CONTEXT, registry: TEKTITE_REGISTRY, ...choice }, trigger);
} catch (error) {
  console.error(`npm run demo: ${messageOf(error)}`);
  process.exitCode = 1;
}
