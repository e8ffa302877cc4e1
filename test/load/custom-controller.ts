import { customRuns } from '../../src/api/resources.ts';
import type { CustomRun } from '../../src/api/pipeline/v1beta1/customrun.ts';
import { isDone } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { silentLogger } from '../../src/log.ts';
import { untilTaken } from './until-taken.ts';

/**
 * Stands in for the controller of custom tasks of kind StandIn: it ends them with a result `r`, the one whose
 * reference says `never` only when it is told to stop.
 */
export class StandInCustomController {
  readonly #client: KubeClient;
  readonly #informer: Informer<CustomRun>;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#informer = new Informer({ client, namespace, resource: customRuns, log: silentLogger });
  }

  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void> {
    this.#informer.onChange(({ type, object }) => {
      if (type === 'deleted' || isDone(object.status)) return;
      const condition = endOf(object);
      if (condition === undefined) return;
      void untilTaken(signal, () => this.#end(object, condition));
    });
    return this.#informer.run(signal);
  }

  async #end({ metadata }: CustomRun, condition: object): Promise<void> {
    const status = { conditions: [condition], results: [{ name: 'r', value: 'x' }] };
    const patch = { type: 'merge', subresource: 'status', body: { status } } as const;
    await this.#client.patch(customRuns, metadata.namespace, metadata.name ?? '', patch);
  }
}

function endOf({ spec }: CustomRun): object | undefined {
  if (spec.status === 'RunCancelled')
    return { type: 'Succeeded', status: 'False', reason: 'CustomRunCancelled', message: 'told to stop' };
  if (spec.customRef?.name === 'never') return undefined;
  return { type: 'Succeeded', status: 'True', reason: 'Succeeded', message: 'done' };
}
