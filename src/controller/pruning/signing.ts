import { chainsInfoName, isWaitingForSigner } from '../../api/config/chains-info.ts';
import { elapsedScale, type Clock } from '../../clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import { configMaps } from '../../kube/resources.ts';

const KEPT_MS = 30_000;

interface Surroundings {
  client: Pick<KubeClient, 'get'>;
  /** Where Chains is. */
  namespace: string;
  clock: Clock;
}

/** Whether pruning has to wait for signatures at all: Chains may have nothing to sign with. */
export class Signing {
  readonly #around: Surroundings;
  #isAwaited: Promise<boolean> | undefined;
  #until = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** False only where Chains itself says that it signs nothing; asked at most every 30 s. */
  isAwaited(signal: AbortSignal): Promise<boolean> {
    const now = elapsedScale(this.#around.clock);
    if (this.#isAwaited && now < this.#until) return this.#isAwaited;
    this.#until = now + KEPT_MS;
    this.#isAwaited = this.#ask(signal);
    return this.#isAwaited;
  }

  async #ask(signal: AbortSignal): Promise<boolean> {
    const { client, namespace } = this.#around;
    try {
      return !isWaitingForSigner((await client.get(configMaps, namespace, chainsInfoName, { signal })).data);
    } catch {
      // Nobody says that nothing is signed: runs are kept rather than deleted unsigned.
      return true;
    }
  }
}
