import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { pods, type Pod } from '../../src/kube/resources.ts';
import { silentLogger } from '../../src/log.ts';
import { untilTaken } from './until-taken.ts';

/** Annotation of a pod that says how it ends; without it, well. */
export const ends = 'test.tektite.dev/ends';
export type Ending = 'well' | 'badly' | 'badly-once' | 'never';

/** A pod as the stand-in keeps it: what it needs to end it. */
interface Known {
  namespace: string;
  name: string;
  ending: Exclude<Ending, 'badly-once'>;
  containers: { name: string; results: string[] }[];
}

/** The names after `-results` in an entrypoint's arguments. */
function resultsOf(args: readonly string[] = []): string[] {
  const at = args.indexOf('-results');
  return at < 0 ? [] : (args[at + 1] ?? '').split(',');
}

function known(pod: Pod): Known {
  const { namespace = '', name = '' } = pod.metadata;
  const containers = pod.spec?.containers ?? [];
  return {
    namespace,
    name,
    ending: endingOf(pod),
    containers: containers.map((container) => ({ name: container.name, results: resultsOf(container.args) })),
  };
}

function endingOf({ metadata: { name = '', annotations } }: Pod): Known['ending'] {
  const ending = annotations?.[ends];
  if (ending === 'badly-once') return /-retry\d+$/.test(name) ? 'well' : 'badly';
  return ending === 'badly' || ending === 'never' ? ending : 'well';
}

type Phase = 'Running' | 'Succeeded' | 'Failed';

function statusOf({ containers }: Known, phase: Phase, startedAt: string, now: string): object {
  const state = (results: string[]) =>
    phase === 'Running'
      ? { running: { startedAt } }
      : {
          terminated: {
            exitCode: phase === 'Failed' ? 1 : 0,
            reason: phase === 'Failed' ? 'Error' : 'Completed',
            startedAt,
            finishedAt: now,
            message: JSON.stringify((phase === 'Failed' ? [] : results).map((key) => ({ key, value: 'x', type: 1 }))),
          },
        };
  return {
    phase,
    startTime: startedAt,
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: startedAt }],
    containerStatuses: containers.map(({ name, results }) => ({
      name,
      image: 'busybox',
      imageID: 'docker.io/library/busybox@sha256:0',
      ready: phase === 'Running',
      restartCount: 0,
      state: state(results),
    })),
  };
}

const seconds = () => `${new Date().toISOString().slice(0, 19)}Z`;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Stands in for scheduler and kubelet where there is no node: every pod of a TaskRun runs, and ends well after `runMs`,
 * with a value for each result that it was to write.
 */
export class StandInKubelet {
  /** Pods by "namespace/name", with the times at which they were seen. */
  readonly seen = new Map<string, number>();
  readonly #client: KubeClient;
  readonly #runMs: number;
  #working = 0;

  constructor(client: KubeClient, runMs = 200) {
    this.#client = client;
    this.#runMs = runMs;
  }

  /** Pods that have not ended yet. */
  get working(): number {
    return this.#working;
  }

  /** Works until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const informer = new Informer<Pod>({
      client: this.#client,
      resource: pods,
      labelSelector: 'tekton.dev/taskRun',
      // Nothing of a pod needs to stay.
      transform: ({ metadata: { name, namespace, uid, resourceVersion, annotations }, spec, status }) => ({
        metadata: { name, namespace, uid, resourceVersion, ...(status?.phase === 'Pending' ? { annotations } : {}) },
        ...(status?.phase === 'Pending' ? { spec, status: { phase: 'Pending' } } : { status: { phase: 'Succeeded' } }),
      }),
      log: silentLogger,
    });
    informer.onChange(({ type, key, object }) => {
      if (type === 'deleted') this.seen.delete(key);
      if (type !== 'added' || object.status?.phase !== 'Pending') return;
      this.seen.set(key, performance.now());
      void this.#bringToItsEnd(known(object), signal);
    });
    await informer.run(signal);
  }

  async #bringToItsEnd(pod: Known, signal: AbortSignal): Promise<void> {
    this.#working += 1;
    const startedAt = seconds();
    const isThere = await this.#report(pod, statusOf(pod, 'Running', startedAt, startedAt), signal);
    if (isThere && pod.ending !== 'never') {
      await sleep(this.#runMs);
      const phase = pod.ending === 'badly' ? 'Failed' : 'Succeeded';
      await this.#report(pod, statusOf(pod, phase, startedAt, seconds()), signal);
    }
    this.#working -= 1;
  }

  #report({ namespace, name }: Known, status: object, signal: AbortSignal): Promise<boolean> {
    const patch = { type: 'merge', subresource: 'status', body: { status } } as const;
    return untilTaken(signal, () => this.#client.patch(pods, namespace, name, { ...patch, signal }));
  }
}
