import { taskRuns } from '../api/resources.ts';
import { childSelector } from '../core/children.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Context } from './command.ts';
import { isFinished, pipelineRunKind, type Run, type RunKind } from './kinds.ts';
import { changes, type Seen } from './watching.ts';

/** Changes that come within this time are shown together. */
export const REST_MS = 500;
const SEPARATOR = '---\n';

/**
 * Shows a run now, and anew when it or one of its TaskRuns has changed, until it has ended.
 * @param show its text at the time of the call; may throw
 */
export async function watchDescription<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  name: string,
  show: () => Promise<string>,
): Promise<void> {
  const { cluster, namespace, environment, terminal } = context;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const source = { cluster, clock: environment.clock };
  const bell = new Bell();
  let run: Run | undefined;
  const following = [
    follow(changes(source, kind.resource, { namespace, fieldSelector: `metadata.name=${name}`, signal }), (seen) => {
      run = seen.at(-1)?.object;
      bell.ring();
    }),
  ];
  const labelSelector = kind.title === pipelineRunKind.title ? childSelector(name) : undefined;
  if (labelSelector !== undefined) {
    following.push(follow(changes(source, taskRuns, { namespace, labelSelector, signal }), () => bell.ring()));
  }
  const failure = Promise.race(following);
  try {
    for (let separator = ''; ; separator = SEPARATOR) {
      await Promise.race([bell.heard(), failure]);
      terminal.out(separator + (await show()));
      if (run !== undefined && isFinished(run)) return;
      await environment.clock.sleep(REST_MS, signal);
    }
  } finally {
    stop.abort();
    await Promise.allSettled(following);
  }
}

/** Ends only by rejecting. */
async function follow<T extends KubeObject>(
  source: AsyncIterable<Seen<T>[]>,
  onSeen: (seen: Seen<T>[]) => void,
): Promise<void> {
  for await (const seen of source) onSeen(seen);
}

/** Remembers that it was rung until somebody has heard. */
class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
  }

  async heard(): Promise<void> {
    await this.#rung.promise;
    this.#rung = Promise.withResolvers<void>();
  }
}
