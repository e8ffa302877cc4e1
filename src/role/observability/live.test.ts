import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import type { ConfigMap } from '../../kube/resources.ts';
import { Store } from '../../kube/store.ts';
import { createLogger } from '../../log.ts';
import { Meters } from '../meters.ts';
import { LiveObservability } from './live.ts';
import type { MetricsReceiver } from './otlp.ts';

const open: LiveObservability[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A process that follows ConfigMaps of namespace `ci`. */
async function world() {
  const configMaps = new Store<ConfigMap>();
  configMaps.replace([], '1');
  const clock = new FakeClock();
  const state = {
    receivers: [] as MetricsReceiver[],
    sendings: 0,
    closed: 0,
    refusal: undefined as string | undefined,
    events: [] as string[],
    lines: [] as string[],
  };
  const log = createLogger({ name: 'x', destination: { write: (text: string) => void state.lines.push(text) } });
  const observability = await LiveObservability.start({
    component: 'tekton-pipelines-controller',
    flags: { metricsPort: 0, profilingPort: 0, identity: 'pod-1', systemNamespace: 'ci' },
    env: {},
    meters: new Meters('m'),
    log,
    clock,
    openSender: (receiver) => {
      state.receivers.push(receiver);
      const send = () => {
        state.sendings++;
        return state.refusal ? Promise.reject(new Error(state.refusal)) : Promise.resolve();
      };
      return Promise.resolve({ send, close: () => Promise.resolve(void state.closed++) });
    },
  });
  open.push(observability);
  observability.follow({
    configMaps,
    namespace: 'ci',
    names: { logging: 'config-logging', observability: 'config-observability' },
    component: 'controller',
    events: {
      event: (object, type, reason, message) =>
        void state.events.push(`${object.metadata.name} ${type} ${reason} ${message}`),
    },
  });
  let version = 1;
  const set = async (name: string, data: Record<string, string>) => {
    configMaps.upsert({ metadata: { name, namespace: 'ci', uid: name, resourceVersion: String(++version) }, data });
    await observability.settled();
  };
  return { observability, set, log, state, clock };
}

const metrics = (port: number | undefined) =>
  fetch(`http://127.0.0.1:${port}/metrics`).then(
    ({ status }) => status,
    () => 'nobody listens',
  );

describe('the level of the log', () => {
  it('follows config-logging, and is as at the start without it', async () => {
    const { set, log, state } = await world();
    log.debug('one');
    await set('config-logging', { 'loglevel.controller': 'debug', 'loglevel.webhook': 'error' });
    log.debug('two');
    await set('config-logging', { 'loglevel.webhook': 'error' });
    log.debug('three');
    const said = state.lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(said).toEqual(["the log's level is debug from now on", 'two', "the log's level is info from now on"]);
  });

  it('a level that is none leaves it, and is told', async () => {
    const { set, log, state } = await world();
    await set('config-logging', { 'loglevel.controller': 'loud' });
    expect(log.level).toBe('info');
    expect(state.events).toEqual([expect.stringMatching(/^config-logging Warning InvalidConfiguration .*"loud"/)]);
  });
});

describe('metrics', () => {
  it('are served until the settings say otherwise, and again when they do no more', async () => {
    const { observability, set } = await world();
    const first = observability.metricsPort;
    expect(await metrics(first)).toBe(200);
    await set('config-observability', { 'metrics-protocol': 'none' });
    expect([observability.metricsPort, await metrics(first)]).toEqual([undefined, 'nobody listens']);
    await set('config-observability', {});
    expect(await metrics(observability.metricsPort)).toBe(200);
  });

  it('are served at another address', async () => {
    const { observability, set } = await world();
    const first = observability.metricsPort;
    await set('config-observability', { 'metrics-endpoint': '127.0.0.1:0' });
    expect(await metrics(first)).toBe('nobody listens');
    expect(await metrics(observability.metricsPort)).toBe(200);
  });

  it('an address that is not there is told, and they are served at the usual one', async () => {
    const { observability, set, state } = await world();
    await set('config-observability', { 'metrics-endpoint': '192.0.2.1:9100' });
    expect(await metrics(observability.metricsPort)).toBe(200);
    expect(state.events).toEqual([expect.stringMatching(/InvalidConfiguration key metrics-endpoint: .*EADDRNOTAVAIL/)]);
  });

  it('are sent in place of being served, to another receiver when that changes, and the last values at the end', async () => {
    const { observability, set, state, clock } = await world();
    const to = (endpoint: string) => ({
      'metrics-protocol': 'grpc',
      'metrics-endpoint': endpoint,
      'metrics-export-interval': '10s',
    });
    await set('config-observability', to('http://a:1'));
    expect(observability.metricsPort).toBeUndefined();
    await clock.advance(20_000);
    expect(state.sendings).toBe(2);
    await set('config-observability', { ...to('http://a:1'), 'runtime-profiling': 'disabled' });
    expect(state.receivers).toMatchObject([
      {
        protocol: 'grpc',
        endpoint: 'http://a:1',
        attributes: { 'service.name': 'tekton-pipelines-controller', 'service.instance.id': 'pod-1' },
      },
    ]);
    await set('config-observability', to('http://b:1'));
    expect(state.receivers.map(({ endpoint }) => endpoint)).toEqual(['http://a:1', 'http://b:1']);
    expect([state.closed, state.sendings]).toEqual([1, 3]);
    await observability.close();
    expect([state.closed, state.sendings]).toEqual([2, 4]);
  });

  it('a receiver that does not take them is told of once, until it goes well again', async () => {
    const { set, state, clock } = await world();
    await set('config-observability', { 'metrics-protocol': 'grpc', 'metrics-endpoint': 'http://a:1' });
    state.refusal = 'full';
    await clock.advance(120_000);
    const told =
      'config-observability Warning MetricsNotSent metrics do not get to http://a:1, which is tried again: full';
    expect(state.events).toEqual([told]);
    state.refusal = undefined;
    await clock.advance(60_000);
    state.refusal = 'full';
    await clock.advance(60_000);
    expect(state.events).toEqual([told, told]);
  });

  it('what is read of the process serves for as long as the settings say', async () => {
    const clock = new FakeClock();
    const meters = new Meters('m', clock);
    const { Gauge } = await import('prom-client');
    let reads = 0;
    new Gauge({ name: 'memory', help: 'h', registers: [meters.process], collect: () => void reads++ });
    await meters.text();
    await meters.text();
    expect(reads).toBe(2);
    meters.keepProcessMs = 15_000;
    await clock.advance(10_000);
    await meters.text();
    expect(reads).toBe(2);
    await clock.advance(5_000);
    await meters.text();
    expect(reads).toBe(3);
  });
});

it('profiles are served only while the settings say so', async () => {
  const { observability, set } = await world();
  expect(observability.profilingPort).toBeUndefined();
  await set('config-observability', { 'runtime-profiling': 'enabled' });
  const port = observability.profilingPort;
  expect((await fetch(`http://127.0.0.1:${port}/debug/pprof/`)).status).toBe(200);
  await set('config-observability', { 'runtime-profiling': 'disabled' });
  expect(observability.profilingPort).toBeUndefined();
  await expect(fetch(`http://127.0.0.1:${port}/debug/pprof/`)).rejects.toThrow();
});
