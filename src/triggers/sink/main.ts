import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Counter, Histogram } from 'prom-client';
import { eventListeners, type EventListener } from '../../api/triggers/objects.ts';
import { readRedelivery } from '../../api/triggers/redelivery.ts';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { serve, type RunningServer, type ServerCertificate } from '../../http/server.ts';
import type { KubeClient } from '../../kube/client.ts';
import { apiVersionOf } from '../../kube/object.ts';
import type { Environment } from '../../role/flags.ts';
import { untilAborted } from '../../role/until-aborted.ts';
import { runRole, type Role, type RoleProcess } from '../../role/process.ts';
import { version } from '../../version.ts';
import { answered } from './answer.ts';
import { SinkCaches } from './caches.ts';
import { cloudEventTeller } from './cloud-events.ts';
import { creator, impersonating } from './create.ts';
import { repetitionKey } from './event.ts';
import { parseSinkFlags, type SinkFlags } from './flags.ts';
import { interceptorClient } from './interceptor-client.ts';
import { Line } from './line.ts';
import { followLogLevel } from './log-level.ts';
import { keepSchedules } from './scheduling.ts';
import { settingNames, Sink, type Telling } from './sink.ts';

/** The sink role: takes the events of one EventListener. */
const sinkRole: Role<SinkFlags> = {
  name: 'sink',
  component: 'eventlistener',
  meter: 'eventlistener',
  eventMetrics: 'eventlistener_',
  parseFlags: parseSinkFlags,
  work,
};

const graceMs = 20_000;
const most = { events: 5_000, bytes: 256 * 1024 * 1024 };
const certificateCheckMs = 30_000;

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(sinkRole, [args, env], end);
}

async function work(process: RoleProcess<SinkFlags>): Promise<void> {
  const { flags, client, log, end, ready, events } = process;
  const caches = new SinkCaches(client, flags, log);
  followLogLevel(caches.listeners, log);
  // Everything here outlasts the end: what was accepted is brought to its end first.
  const stop = new AbortController();
  const watching = caches.run(stop.signal);
  const interceptors = interceptorClient(finder(caches), flags.interceptorMs);
  const line = new Line({ clock: systemClock, width: 16, attempts: 50 });
  const cloudEvents = cloudEventTeller(flags.cloudEventUri, flags.listener, { log, signal: stop.signal });
  const { create, closeClients } = creating(process, caches, line, stop.signal);
  const sink = new Sink({
    name: flags.listener,
    listener: () => caches.listeners.store.find(flags.listener.namespace, flags.listener.name),
    triggers: caches.triggers.store,
    definitions: {
      binding: (namespace, name) => caches.bindings.store.find(namespace, name),
      clusterBinding: (name) => caches.clusterBindings.store.find(undefined, name),
      template: (namespace, name) => caches.templates.store.find(namespace, name),
    },
    client: interceptors,
    create,
    waiting: () => (line.isThrottled ? line.waiting : 0),
    payloadValidation: flags.payloadValidation,
    handlerMs: flags.handlerMs,
    most,
    newId: randomUUID,
    clock: systemClock,
    log,
    tell: telling(process, cloudEvents.tell),
  });
  try {
    await Promise.race([caches.synced(end), watching]);
    const server = await serveEvents(process, sink);
    log.info({ port: server.port }, 'serving');
    ready();
    const scheduling = keepSchedules(process, caches, sink);
    const renewing = flags.tls ? [renew(flags.tls, server, process)] : [];
    await Promise.race([watching, untilAborted(end), scheduling, ...renewing]);
    server.drain();
    await systemClock.sleep(flags.drainMs);
    await server.close(graceMs);
    await sink.end(graceMs);
    await Promise.race([scheduling, systemClock.sleep(graceMs)]);
    await events.flush();
  } finally {
    stop.abort(new Error('the sink ended'));
    await Promise.allSettled([watching, interceptors.close(), cloudEvents.close(), closeClients()]);
  }
}

function finder(caches: SinkCaches) {
  return (kind: string, namespace: string, name: string) =>
    kind === 'NamespacedInterceptor'
      ? caches.interceptors.store.find(namespace, name)
      : caches.clusterInterceptors.store.find(undefined, name);
}

function creating(
  { flags, client, meters }: RoleProcess<SinkFlags>,
  caches: SinkCaches,
  line: Line,
  signal: AbortSignal,
) {
  const created = new Counter({
    name: 'eventlistener_triggered_resources_total',
    help: 'Objects that events made',
    labelNames: ['kind'],
    registers: [meters.role],
  });
  const others = new Map<string, KubeClient>();
  const options = { userAgent: `eventlistener/${version}`, qps: flags.qps, burst: flags.burst };
  const create = creator({
    clientFor: (account) => {
      if (account === undefined) return client;
      const key = `${account.namespace}/${account.name}`;
      const known = others.get(key) ?? impersonating(client.config, account, options);
      others.set(key, known);
      return known;
    },
    line,
    cause: (event) => {
      if (event.scheduled) return { key: ['schedule', event.scheduled.trigger, event.scheduled.time], isShared: true };
      const listener = caches.listeners.store.find(flags.listener.namespace, flags.listener.name);
      const { isIgnored, windowMs } = readRedelivery(listener?.metadata.annotations);
      const same = isIgnored ? repetitionKey(event) : undefined;
      return same === undefined
        ? { key: ['event', event.id], isShared: false }
        : { key: [listener?.metadata.uid ?? '', ...same], isShared: true, windowMs };
    },
    now: () => systemClock.now().getTime(),
    onCreated: (kind) => created.inc({ kind }),
    signal,
  });
  return { create, closeClients: () => Promise.all([...others.values()].map((each) => each.close(true))) };
}

/** Counts, events on the listener, CloudEvents and the log. */
function telling(
  { env, events, log, meters }: RoleProcess<SinkFlags>,
  cloudEvent: ReturnType<typeof cloudEventTeller>['tell'],
): Telling {
  const received = new Counter({
    name: 'eventlistener_event_received_total',
    help: 'Events by whether they were accepted',
    labelNames: ['status'],
    registers: [meters.role],
  });
  const isTold = env['EL_EVENT'] === 'enable';
  const kubeEvent = (listener: EventListener, type: 'Normal' | 'Warning', reason: string, message: string) =>
    events.event(
      { apiVersion: apiVersionOf(eventListeners), kind: 'EventListener', ...listener },
      type,
      reason,
      message,
    );
  return {
    counted: (status) => received.inc({ status }),
    started: (event) => cloudEvent('started', event),
    outcome: (listener, event, outcome) => {
      const { trigger, namespace, message = '', created = [] } = outcome;
      const fields = { 'triggers.tekton.dev/triggers-eventid': event.id, trigger, namespace };
      const wantsAll = isTold || listener.metadata.annotations?.[settingNames.answer] === 'outcome';
      if (outcome.outcome === 'failed') {
        log.error({ ...fields, problem: message }, 'a trigger failed');
        cloudEvent('failed', event);
        kubeEvent(listener, 'Warning', 'TriggerFailed', `trigger ${namespace}/${trigger}: ${message}`);
        return;
      }
      if (outcome.outcome === 'repeated') {
        log.info({ ...fields, created }, 'an event was taken before');
        if (wantsAll) kubeEvent(listener, 'Normal', 'TriggerRepeated', `trigger ${namespace}/${trigger}: ${message}`);
        return;
      }
      if (outcome.outcome === 'stopped') {
        log.info({ ...fields, interceptor: outcome.interceptor, reason: message }, 'an interceptor stopped an event');
        if (wantsAll)
          kubeEvent(
            listener,
            'Normal',
            'TriggerStopped',
            `trigger ${namespace}/${trigger}: ${outcome.interceptor}: ${message}`,
          );
        return;
      }
      log.info({ ...fields, created }, 'an event created objects');
      cloudEvent('successful', event);
      const names = created.map(({ kind, name }) => `${kind} ${name}`).join(', ');
      if (wantsAll) kubeEvent(listener, 'Normal', 'TriggerCreated', `trigger ${namespace}/${trigger}: ${names}`);
    },
    done: (_listener, event) => cloudEvent('done', event),
  };
}

async function serveEvents({ flags, log, meters }: RoleProcess<SinkFlags>, sink: Sink): Promise<RunningServer> {
  const seconds = new Histogram({
    name: 'eventlistener_http_duration_seconds',
    help: 'How long answers took',
    buckets: [0.001, 0.01, 0.1, 1, 5, 10],
    registers: [meters.role],
  });
  const { name, namespace } = flags.listener;
  return serve(
    [
      { method: '*', path: '/live', handler: () => ({ status: 200, body: 'ok' }) },
      {
        method: '*',
        path: '/*',
        handler: async (request) => {
          const stop = seconds.startTimer();
          try {
            return await sink.handle(request);
          } finally {
            stop();
          }
        },
      },
    ],
    {
      port: flags.port,
      ...(flags.tls ? { certificate: await readCertificate(flags.tls) } : {}),
      bodyLimit: flags.bodyLimit,
      receiveMs: Math.max(flags.readMs, 1_000),
      refusal: (status, errorMessage) =>
        answered(status, { eventListener: name, namespace, eventListenerUID: '', errorMessage }),
      log,
    },
  );
}

async function readCertificate({ cert, key }: { cert: string; key: string }): Promise<ServerCertificate> {
  const [certificate, secret] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  return { cert: certificate, key: secret };
}

/** Takes a new certificate as soon as the kubelet has put it there. */
async function renew(
  files: { cert: string; key: string },
  server: RunningServer,
  { end, log }: RoleProcess<SinkFlags>,
): Promise<void> {
  let current = JSON.stringify(await readCertificate(files));
  while (!end.aborted) {
    await systemClock.sleep(certificateCheckMs, end).catch(() => undefined);
    try {
      const next = await readCertificate(files);
      if (JSON.stringify(next) === current) continue;
      server.setCertificate(next);
      current = JSON.stringify(next);
      log.info('the certificate was renewed');
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the new certificate cannot be used; the old one stays');
    }
  }
}
