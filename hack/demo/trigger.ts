/**
 * The demo with --trigger: a listener for GitHub's events, and a push that is sent to it as GitHub sends one.
 */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { manifest, placeWords, type BuildPlace, type Stage } from './stage.ts';

export const listener = 'github-listener';
export const listenerSecret = { name: 'github-webhook-secret', key: 'secretToken' };

/** Makes the listener, with a secret of its own, and waits until it takes events. */
export async function listen({ namespace, kubectl }: Stage, place: BuildPlace): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: listenerSecret.name },
    stringData: { [listenerSecret.key]: randomBytes(32).toString('hex') },
  };
  await kubectl(['apply', '-f', '-'], stringify(secret));
  const words = { NAMESPACE: namespace, ...placeWords(place) };
  await kubectl(['apply', '-f', '-'], await manifest('triggers.yaml', words));
  await kubectl(['wait', '--for=condition=Ready', `eventlistener/${listener}`, '--timeout=180s']);
}

/** The commit that the sample repository's main branch is at. */
export async function headOfMain(kubectl: Stage['kubectl']): Promise<string> {
  const refs = await kubectl(['exec', 'deployment/git-server', '--', 'cat', '/srv/greeter.git/info/refs']);
  const found = /^([0-9a-f]{40})\s+refs\/heads\/main$/m.exec(refs)?.[1];
  if (found === undefined) throw new Error(`the sample repository has no branch main: ${refs}`);
  return found;
}

/** Sends the push of that commit, signed, from a pod of its own. Returns what the listener answered, as it came. */
export async function push(kubectl: Stage['kubectl'], commit: string): Promise<string> {
  const job = await manifest('push.yaml', { COMMIT: commit });
  const name = (await kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.name}'], job)).trim();
  try {
    await kubectl(['wait', '--for=condition=Complete', `job/${name}`, '--timeout=120s']);
  } catch (error) {
    const logs = await kubectl(['logs', `job/${name}`]).catch(String);
    throw new Error(`the push could not be sent: ${logs.trim()}`, { cause: error });
  }
  return (await kubectl(['logs', `job/${name}`])).trim();
}

/** The PipelineRun that the answered event made. @throws when there is none within half a minute. */
export async function runOf(kubectl: Stage['kubectl'], answer: string): Promise<string> {
  const { eventID = '' } = JSON.parse(answer) as { eventID?: string };
  const selector = `triggers.tekton.dev/triggers-eventid=${eventID}`;
  for (let tries = 0; tries < 60; tries += 1) {
    const names = await kubectl(['get', 'pipelineruns', '-l', selector, '-o', 'jsonpath={.items[*].metadata.name}']);
    if (names !== '') return names;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const logs = await kubectl(['logs', `deployment/el-${listener}`, '--tail=5']).catch(String);
  throw new Error(`event ${eventID} made no PipelineRun; the listener's log: ${logs.trim()}`);
}
