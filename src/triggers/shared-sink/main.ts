import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { Informer } from '../../kube/informer.ts';
import { configMaps, type ConfigMap } from '../../kube/resources.ts';
import type { Environment } from '../../role/flags.ts';
import { untilAborted } from '../../role/until-aborted.ts';
import { runRole, type Role, type RoleProcess } from '../../role/process.ts';
import { AccountClients } from '../sink/accounts.ts';
import { sinkMeters } from '../sink/meters.ts';
import { Room } from '../sink/room.ts';
import { parseSharedSinkFlags, type SharedSinkFlags } from './flags.ts';
import { ListenerPort, type PortMeans } from './listener-port.ts';
import { portsMapName, servedMapName } from './names.ts';
import { heldPorts, servedText } from './ports.ts';

/** The shared-sink role: takes the events of many EventListeners, each at a port of its own. */
const sharedSinkRole: Role<SharedSinkFlags> = {
  name: 'shared-sink',
  component: 'tekton-triggers-shared-sink',
  meter: 'eventlistener',
  eventMetrics: 'eventlistener_',
  parseFlags: parseSharedSinkFlags,
  work,
};

const all = { events: 5_000, bytes: 256 * 1024 * 1024 };
/** One listener's: whoever floods his own does not take all others' room. */
const most = { events: 1_000, bytes: 64 * 1024 * 1024 };
/** What several ports say at once is written once. */
const restMs = 100;
const retryMs = 2_000;
/** A listener that cannot be served does not keep the others from it for longer. */
const firstTryMs = 30_000;

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(sharedSinkRole, [args, env], end);
}

async function work(process: RoleProcess<SharedSinkFlags>): Promise<void> {
  const { flags, env, client, log, end, ready, meters } = process;
  const stop = new AbortController();
  const [portsMap, servedMap] = [mapOf(process, portsMapName), mapOf(process, servedMapName)];
  const watching = Promise.all([portsMap, servedMap].map((map) => map.run(stop.signal)));
  const clients = new AccountClients(client, flags);
  const told = new Teller(process, servedMap);
  const means: PortMeans = {
    flags,
    env,
    clients,
    log,
    meters: sinkMeters(meters.role, { isShared: true }),
    room: new Room(all),
    reading: new Room(all),
    most,
    onServing: () => told.wake(),
  };
  const ports = new Ports(means);
  try {
    await Promise.race([Promise.all([portsMap, servedMap].map((map) => map.synced(end))), watching]);
    const look = () => ports.become(() => portsMap.store.find(flags.systemNamespace, portsMapName));
    portsMap.onChange(() => void look().catch((error: unknown) => log.error({ error }, 'a port was not closed well')));
    servedMap.onChange(() => told.wake());
    await Promise.race([look(), systemClock.sleep(firstTryMs, end).catch(() => undefined)]);
    const quiet = new AbortController();
    const telling = told.run(() => ports.served, quiet.signal);
    ready();
    await Promise.race([watching, telling, untilAborted(end)]);
    ports.drain();
    await systemClock.sleep(flags.drainMs);
    await ports.close();
    quiet.abort(new Error('nothing is served any more'));
    await telling;
    await told.forget();
  } finally {
    stop.abort(new Error('the shared sink ended'));
    await Promise.allSettled([watching]);
    await clients.close();
  }
}

function mapOf({ client, flags, log }: RoleProcess<SharedSinkFlags>, name: string): Informer<ConfigMap> {
  const fieldSelector = `metadata.name=${name}`;
  return new Informer<ConfigMap>({
    client,
    resource: configMaps,
    namespace: flags.systemNamespace,
    fieldSelector,
    log,
  });
}

/** The ports that are open. */
class Ports {
  readonly #means: PortMeans;
  readonly #open = new Map<number, ListenerPort>();
  readonly #closing = new Set<Promise<void>>();

  constructor(means: PortMeans) {
    this.#means = means;
  }

  get served(): ReadonlyMap<number, string> {
    return new Map([...this.#open].flatMap(([port, { serves }]) => (serves === undefined ? [] : [[port, serves]])));
  }

  /** Opens and closes ports as the ConfigMap says; resolves when each new one was tried. */
  async become(map: () => ConfigMap | undefined): Promise<void> {
    const wanted = () => new Map(heldPorts(map()?.data).map(({ port, holder }) => [port, holder]));
    const held = wanted();
    for (const [port, open] of this.#open) {
      const holder = held.get(port);
      if (holder !== undefined && open.isOf(holder)) open.update(holder);
      else this.#close(port, open);
    }
    // A port that another listener had is free once that one's last answers are sent.
    await Promise.all(this.#closing);
    const fresh = [...wanted()].filter(([port]) => !this.#open.has(port));
    await Promise.all(
      fresh.map(([port, holder]) => {
        const opened = new ListenerPort(port, holder, this.#means);
        this.#open.set(port, opened);
        return opened.start();
      }),
    );
  }

  drain(): void {
    for (const open of this.#open.values()) open.drain();
  }

  async close(): Promise<void> {
    for (const [port, open] of this.#open) this.#close(port, open);
    await Promise.all(this.#closing);
  }

  #close(port: number, open: ListenerPort): void {
    this.#open.delete(port);
    const closed = open.close().finally(() => {
      this.#closing.delete(closed);
      this.#means.onServing();
    });
    this.#closing.add(closed);
  }
}

/** Tells the controller what this pod serves, so that no event is led to a port before it is open. */
class Teller {
  readonly #process: RoleProcess<SharedSinkFlags>;
  readonly #map: Informer<ConfigMap>;
  #wake = new AbortController();

  constructor(process: RoleProcess<SharedSinkFlags>, map: Informer<ConfigMap>) {
    this.#process = process;
    this.#map = map;
  }

  wake(): void {
    this.#wake.abort();
  }

  async run(served: () => ReadonlyMap<number, string>, signal: AbortSignal): Promise<void> {
    const { flags, log } = this.#process;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const text = servedText(served());
      const said = this.#map.store.find(flags.systemNamespace, servedMapName)?.data?.[flags.pod];
      let pause = 2 ** 31;
      if (said !== text)
        pause = await this.#say(text).then(
          () => pause,
          (error: unknown) => {
            log.error({ problem: messageOf(error) }, 'what is served cannot be told; it is tried again');
            return retryMs;
          },
        );
      await systemClock.sleep(pause, AbortSignal.any([signal, this.#wake.signal])).catch(() => undefined);
      await systemClock.sleep(restMs, signal).catch(() => undefined);
    }
  }

  /** The pod serves nothing any more. */
  async forget(): Promise<void> {
    await this.#say(null).catch(() => undefined);
  }

  async #say(text: string | null): Promise<void> {
    const { client, flags } = this.#process;
    const body = { data: { [flags.pod]: text } };
    this.#map.store.observeWrite(
      await client.patch(configMaps, flags.systemNamespace, servedMapName, { type: 'merge', body }),
    );
  }
}
