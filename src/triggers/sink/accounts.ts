import { type KubeClient } from '../../kube/client.ts';
import { accessReviews } from '../../kube/resources.ts';
import { version } from '../../version.ts';
import { impersonating } from './create.ts';

/** A ServiceAccount. */
export interface Account {
  namespace: string;
  name: string;
}

/** Requests to the API server per second of one account, and how many at once. */
export interface Rate {
  qps: number;
  burst: number;
}

/** Clients of a sink, one for each ServiceAccount it acts as. */
export class AccountClients {
  readonly #own: KubeClient;
  readonly #rate: Rate;
  readonly #clients = new Map<string, KubeClient>();

  constructor(own: KubeClient, { qps, burst }: Rate) {
    this.#own = own;
    this.#rate = { qps, burst };
  }

  /** The API server judges each request: whether the sink may act as the account, and whether that may. */
  of(account: Account): KubeClient {
    const key = `${account.namespace}/${account.name}`;
    const known = this.#clients.get(key);
    if (known) return known;
    const made = impersonating(this.#own.config, account, { userAgent: `eventlistener/${version}`, ...this.#rate });
    this.#clients.set(key, made);
    return made;
  }

  /**
   * Of the shared sink, for a trigger that names an account. Whether the listener's account may act as that one the API
   * server is asked here, since the shared sink is who asks later: what others let that do is not the listener's.
   */
  async ofTrigger(listener: Account, trigger: Account): Promise<KubeClient> {
    const { namespace, name } = trigger;
    const resourceAttributes = { namespace, name, verb: 'impersonate', group: '', version: 'v1', resource };
    const { status } = await this.of(listener).create(accessReviews, { metadata: {}, spec: { resourceAttributes } });
    if (status?.allowed !== true)
      throw new Error(
        `${listener.namespace}/${listener.name} may not act as ServiceAccount ${namespace}/${name}: bind it ClusterRole ` +
          `tekton-triggers-eventlistener-impersonate in namespace ${namespace}`,
      );
    return this.of(trigger);
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#clients.values()].map((client) => client.close(true)));
  }
}

const resource = 'serviceaccounts';
