import { isDeepStrictEqual } from 'node:util';
import { defaultEventListener } from '../../api/triggers/defaults.ts';
import { eventListeners, type EventListener } from '../../api/triggers/objects.ts';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { RunningServer, ServerCertificate } from '../../http/server.ts';
import { EventRecorder } from '../../kube/events.ts';
import { secrets } from '../../kube/resources.ts';
import type { Logger } from '../../log.ts';
import type { Environment } from '../../role/flags.ts';
import { tlsOf, watchesAll, type TlsSource } from '../eventlistener/objects.ts';
import type { Account, AccountClients } from '../sink/accounts.ts';
import { openListening, type Listening } from '../sink/listening.ts';
import type { ListenerMeters } from '../sink/meters.ts';
import { admitted, Room, type Amount } from '../sink/room.ts';
import { serveEvents } from '../sink/serving.ts';
import { toldPerListener } from '../sink/telling.ts';
import type { SharedSinkFlags } from './flags.ts';
import type { PortHolder } from './ports.ts';

/** What all ports of the process work with. */
export interface PortMeans {
  flags: SharedSinkFlags;
  env: Environment;
  clients: AccountClients;
  log: Logger;
  meters: (listener: { namespace: string; name: string }) => ListenerMeters;
  /** All listeners' together, and one's. */
  room: Room;
  /** For bodies that are being read. */
  reading: Room;
  most: Amount;
  /** Told when the port begins to serve, or another listener. */
  onServing: () => void;
}

/** Of a listener, what is settled when it begins to be served; a change of it begins anew. */
interface Shape {
  account: Account;
  uid: string;
  isMultiNamespace: boolean;
  payloadValidation: boolean;
  cloudEventUri: string;
  tls: TlsSource | undefined;
}

const openMs = 20_000;
const graceMs = 20_000;
const certificateMs = 30_000;
/** Of one listener. */
const maxConnections = 1_000;
const retryMs = { first: 1_000, longest: 30_000 };

/**
 * One port of the shared sink: takes the events of the listener that has it, as that one's ServiceAccount. What stands
 * in its way is tried again; meanwhile it goes on as it was.
 */
export class ListenerPort {
  readonly port: number;
  readonly #means: PortMeans;
  readonly #log: Logger;
  readonly #meters: ListenerMeters;
  readonly #stop = new AbortController();
  readonly #retiring = new Set<Promise<void>>();
  #holder: PortHolder;
  #wake = new AbortController();
  #current: { listening: Listening; shape: Shape } | undefined;
  #server: { running: RunningServer; isTls: boolean } | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(port: number, holder: PortHolder, means: PortMeans) {
    const { namespace, name } = holder;
    this.port = port;
    this.#holder = holder;
    this.#means = means;
    this.#log = means.log.child({ eventlistener: `${namespace}/${name}` });
    this.#meters = means.meters({ namespace, name });
  }

  /** The uid of the listener that is served here; undefined: none yet. */
  get serves(): string | undefined {
    return this.#server && this.#current?.shape.uid;
  }

  isOf({ namespace, name }: PortHolder): boolean {
    return this.#holder.namespace === namespace && this.#holder.name === name;
  }

  /** Resolves when it has been tried once. */
  start(): Promise<void> {
    return new Promise((tried) => {
      this.#running = this.#run(tried);
    });
  }

  /** Its listener may have been made anew, or have another ServiceAccount. */
  update(holder: PortHolder): void {
    const { uid, account } = this.#holder;
    this.#holder = holder;
    if (holder.uid !== uid || holder.account !== account) this.#wake.abort();
  }

  /** Answers end their connections from now on. */
  drain(): void {
    this.#server?.running.drain();
  }

  /** Takes no event any more, and brings to their end those it took. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the port is given back'));
    await this.#running;
    await this.#server?.running.close(graceMs);
    this.#retire(this.#current?.listening);
    await Promise.allSettled(this.#retiring);
    this.#meters.forget();
  }

  async #run(tried: () => void): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const either = AbortSignal.any([signal, this.#wake.signal]);
      try {
        const stop = await this.#begin(either);
        failures = 0;
        tried();
        await this.#keep(either).finally(stop);
      } catch (error) {
        tried();
        if (either.aborted) continue;
        failures += 1;
        this.#log.error(
          { port: this.port, problem: messageOf(error) },
          'a listener cannot be served; it is tried again',
        );
        const wait = Math.min(retryMs.first * 2 ** (failures - 1), retryMs.longest);
        await systemClock.sleep(wait, either).catch(() => undefined);
      }
    }
  }

  /** Serves the listener as it is now, in the place of what it was. Returns the way to stop hearing of its changes. */
  async #begin(signal: AbortSignal): Promise<() => void> {
    const { namespace, name, uid, account } = this.#holder;
    const as = { namespace, name: account };
    const client = this.#means.clients.of(as);
    const listener = await client.get(eventListeners, namespace, name, { signal });
    if (listener.metadata.uid !== uid) throw new Error('another listener of that name is there by now');
    const shape = shapeOf(listener, as);
    const certificate = shape.tls && (await this.#certificate(shape.tls));
    if (!isDeepStrictEqual(this.#current?.shape, shape)) {
      const listening = await this.#open(shape, signal);
      this.#retire(this.#current?.listening);
      this.#current = { listening, shape };
    }
    await this.#serve(certificate);
    this.#means.onServing();
    const heard = () => {
      const now = this.#current?.listening.listener();
      if (now !== undefined && !isDeepStrictEqual(shapeOf(now, as), shape)) this.#wake.abort();
    };
    const stop = this.#current?.listening.onChange(heard) ?? (() => undefined);
    heard();
    return stop;
  }

  async #open(shape: Shape, signal: AbortSignal): Promise<Listening> {
    const { flags, env, clients, most, room } = this.#means;
    const { namespace, name } = this.#holder;
    const client = clients.of(shape.account);
    const opening = AbortSignal.any([signal, AbortSignal.timeout(openMs)]);
    const means = {
      flags: { ...flags, ...shape, listener: { namespace, name }, port: this.port },
      env,
      client,
      clientFor: (account: Account | undefined) =>
        account === undefined ? client : clients.ofTrigger(shape.account, account),
      events: new EventRecorder({ client, component: 'eventlistener', log: this.#log, perObject: toldPerListener }),
      log: this.#log,
      meters: this.#meters,
      most,
      room,
      end: this.#stop.signal,
    };
    return openListening(means, opening).catch((error: unknown) => {
      if (signal.aborted || !opening.aborted) throw error;
      const { namespace: home, name: account } = shape.account;
      throw new Error(
        `ServiceAccount ${home}/${account} could not read Triggers' objects in time: bind it ClusterRoles ` +
          'tekton-triggers-eventlistener-roles and tekton-triggers-eventlistener-clusterroles',
        { cause: error },
      );
    });
  }

  #retire(before: Listening | undefined): void {
    if (before === undefined) return;
    const ended = before.close(graceMs).catch((error: unknown) => {
      this.#log.error({ error }, 'what was accepted before may not have come to its end');
    });
    this.#retiring.add(ended);
    void ended.finally(() => this.#retiring.delete(ended));
  }

  async #serve(certificate: ServerCertificate | undefined): Promise<void> {
    if (this.#server && this.#server.isTls !== (certificate !== undefined)) {
      await this.#server.running.close(graceMs);
      this.#server = undefined;
    }
    if (this.#server) {
      if (certificate) this.#server.running.setCertificate(certificate);
      return;
    }
    const { flags, most, reading } = this.#means;
    const { namespace, name } = this.#holder;
    const handle: Listening['handle'] = (request) =>
      this.#current?.listening.handle(request) ?? Promise.resolve({ status: 503 });
    const own = new Room(most);
    const admit = (bytes: number) => admitted([own, reading], bytes);
    const running = await serveEvents(
      { ...flags, listener: { namespace, name }, port: this.port },
      { handle, log: this.#log, maxConnections, admit, ...(certificate ? { certificate } : {}) },
    );
    this.#server = { running, isTls: certificate !== undefined };
    this.#log.info({ port: this.port, account: this.#holder.account }, 'serving');
  }

  /** Until something has changed; a certificate is read again from time to time. */
  async #keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const tls = this.#current?.shape.tls;
      await systemClock.sleep(tls ? certificateMs : 2 ** 31, signal).catch(() => undefined);
      if (!tls || signal.aborted) continue;
      try {
        this.#server?.running.setCertificate(await this.#certificate(tls));
      } catch (error) {
        this.#log.error({ problem: messageOf(error) }, 'the new certificate cannot be used; the old one stays');
      }
    }
  }

  /** Read with the rights of the listener's ServiceAccount. */
  async #certificate({ secret, cert, key }: TlsSource): Promise<ServerCertificate> {
    const { namespace, account } = this.#holder;
    const { data = {} } = await this.#means.clients.of({ namespace, name: account }).get(secrets, namespace, secret);
    const value = (name: string): string => {
      const text = Object.hasOwn(data, name) ? data[name] : undefined;
      if (!text) throw new Error(`Secret ${namespace}/${secret} has no key ${JSON.stringify(name)}`);
      return Buffer.from(text, 'base64').toString();
    };
    return { cert: value(cert), key: value(key) };
  }
}

function shapeOf(given: EventListener, account: Account): Shape {
  const listener = defaultEventListener(given);
  const { uid = '', annotations = {} } = listener.metadata;
  return {
    account,
    uid,
    isMultiNamespace: watchesAll(listener),
    payloadValidation: annotations['tekton.dev/payload-validation'] !== 'false',
    cloudEventUri: listener.spec?.cloudEventURI ?? '',
    tls: tlsOf(listener),
  };
}
