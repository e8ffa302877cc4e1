import { describe, expect, it } from 'vitest';
import { silentLogger } from '../log.ts';
import type { ConfigMap } from '../kube/resources.ts';
import { Store } from '../kube/store.ts';
import { LiveSettings, configNames } from './settings.ts';

const map = (name: string, data: Record<string, string>, resourceVersion = '1'): ConfigMap => ({
  metadata: { name, namespace: 'ci', resourceVersion, uid: name },
  data,
});

function open(...maps: ConfigMap[]) {
  const configMaps = new Store<ConfigMap>();
  configMaps.replace(maps, '1');
  const problems: string[] = [];
  const settings = new LiveSettings({
    configMaps,
    namespace: 'ci',
    names: configNames({}),
    images: { entrypoint: 'e', nop: 'n' },
    release: 'v1',
    log: silentLogger,
    onProblem: (object, problem) => problems.push(`${object.metadata.name} ${problem.message}`),
  });
  return { settings, configMaps, problems };
}

describe('LiveSettings', () => {
  it('has the defaults without any ConfigMap', () => {
    const { settings, problems } = open();
    expect(settings.current()).toMatchObject({
      defaults: { timeoutMinutes: 60 },
      flags: { enableApiFields: 'beta' },
      images: { nop: 'n' },
      release: 'v1',
    });
    expect(problems).toEqual([]);
  });

  it('follows a change at once', () => {
    const { settings, configMaps } = open(map('config-defaults', { 'default-timeout-minutes': '5' }));
    expect(settings.current().defaults.timeoutMinutes).toBe(5);
    configMaps.upsert(map('config-defaults', { 'default-timeout-minutes': '7' }, '2'));
    expect(settings.current().defaults.timeoutMinutes).toBe(7);
  });

  it('has a back-off for creations while the flag is set, and follows its map', () => {
    const { settings, configMaps, problems } = open(
      map('config-wait-exponential-backoff', { duration: '10s', steps: '5', cap: 'long' }),
    );
    expect(settings.current().creationBackOff).toBeUndefined();
    configMaps.upsert(map('feature-flags', { 'enable-wait-exponential-backoff': 'true' }, '2'));
    expect(settings.current().creationBackOff).toEqual({
      durationMs: 10_000,
      factor: 2,
      jitter: 0,
      steps: 5,
      capMs: 60_000,
    });
    expect(problems[0]).toContain('config-wait-exponential-backoff key cap has the value "long"');
    configMaps.upsert(map('config-wait-exponential-backoff', { factor: '1.5' }, '3'));
    expect(settings.current().creationBackOff).toMatchObject({ durationMs: 1_000, factor: 1.5 });
  });

  it('has one object for tracing until something in it changes', () => {
    const { settings, configMaps, problems } = open(map('config-tracing', { enabled: 'true', endpoint: 'http://a/' }));
    const first = settings.tracing();
    expect(first).toMatchObject({ enabled: true, endpoint: 'http://a/', samplingRatio: 1 });
    configMaps.upsert(map('config-defaults', { 'default-timeout-minutes': '7' }, '2'));
    expect(settings.tracing()).toBe(first);
    configMaps.upsert(map('config-tracing', { enabled: 'true', endpoint: 'nowhere' }, '3'));
    expect(settings.tracing().enabled).toBe(false);
    expect(problems).toEqual([expect.stringContaining('config-tracing key endpoint has the value "nowhere"')]);
  });

  it.each<[string, Record<string, string>, boolean, string[]]>([
    ['a receiver over HTTP', { 'tracing-protocol': 'http/protobuf', 'tracing-endpoint': 'http://b/' }, true, []],
    ['no receiver', { 'tracing-protocol': 'http/protobuf' }, false, ['tracing-endpoint is missing']],
    ['a receiver over gRPC', { 'tracing-protocol': 'grpc', 'tracing-endpoint': 'http://b/' }, true, []],
    [
      'a password in its place',
      { 'tracing-protocol': 'grpc', 'tracing-endpoint': 'http://me:secret@b/' },
      false,
      ['tracing-endpoint is missing'],
    ],
    [
      'another protocol',
      { 'tracing-protocol': 'stdout', 'tracing-endpoint': 'b:4317' },
      false,
      ['tracing-protocol: "stdout" is not supported'],
    ],
    ['nothing', {}, false, []],
  ])('takes the tracing keys of config-observability when config-tracing is off: %s', (_name, data, enabled, said) => {
    const { settings, problems } = open(map('config-observability', { 'tracing-sampling-rate': '0.1', ...data }));
    expect(settings.tracing()).toMatchObject(
      enabled
        ? { enabled, protocol: data['tracing-protocol'], endpoint: 'http://b/', samplingRatio: 0.1 }
        : { enabled },
    );
    expect(problems).toEqual(said.map((text) => expect.stringContaining(text) as string));
  });

  it('sends events where config-events says, else where the deprecated default does, from the next change on', () => {
    const { settings, configMaps } = open(map('config-defaults', { 'default-cloud-events-sink': 'http://old/' }));
    expect(settings.cloudEvents()).toEqual({ sink: 'http://old/', formats: ['tektonv1'], customRuns: true });
    configMaps.upsert(map('config-events', { sink: 'https://new/' }, '2'));
    expect(settings.cloudEvents().sink).toBe('https://new/');
    configMaps.upsert(map('feature-flags', { 'send-cloudevents-for-runs': 'false' }, '3'));
    expect(settings.cloudEvents().customRuns).toBe(false);
  });

  it.each([
    ['no URL', { sink: 'events' }, /key sink has the value "events", which is not valid/],
    ['another protocol', { sink: 'kafka://broker/topic' }, /use a URL that begins with http/],
    [
      'a password',
      { sink: 'https://me:hidden@events/' },
      /^config-events key sink has a URL with a user name or password/,
    ],
    ['another format', { formats: 'cdevents' }, /key formats has the value "cdevents".*use "tektonv1"/],
    ['a slip of the pen', { snik: 'https://events/' }, /key snik is not known/],
  ])('reports %s in config-events, and sends nothing there', (_name, data, message) => {
    const { settings, problems } = open(map('config-events', data));
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]).not.toMatch(/hidden/);
    expect(settings.cloudEvents()).toMatchObject({ sink: '', formats: ['tektonv1'] });
  });

  it.each([
    [
      'a value that cannot be',
      { 'default-timeout-minutes': 'soon' },
      'config-defaults',
      /default-timeout-minutes.*"soon"/,
    ],
    [
      'a flag that has no effect beside another',
      { 'enforce-nonfalsifiability': 'spire', 'results-from': 'sidecar-logs' },
      'feature-flags',
      /results-from: "sidecar-logs" has no effect while enforce-nonfalsifiability is "spire"/,
    ],
    ...(
      [
        ['StepActions off', 'feature-flags', 'enable-step-actions', 'false', 'StepActions are always on'],
        ['bundles in taskRef', 'feature-flags', 'enable-tekton-oci-bundles', 'true', 'is named by resolver "bundles"'],
        [
          'whole objects in caches',
          'feature-flags',
          'enable-informer-cache-transforms',
          'false',
          'the caches here have no such switch',
        ],
        [
          'a template for a pod that is not there',
          'config-defaults',
          'default-affinity-assistant-pod-template',
          'priorityClassName: high',
          'give default-pod-template what they shall have',
        ],
      ] as const
    ).map(
      ([name, map, key, value, text]) =>
        [name, { [key]: value }, map, new RegExp(`${key}: .* has no effect: .*${text}`)] as [
          string,
          Record<string, string>,
          string,
          RegExp,
        ],
    ),
    [
      'an address that is none',
      { 'spire-server-addr': 'https://spire:8081' },
      'config-spire',
      /spire-server-addr has the value "https:\/\/spire:8081".*use host:port/,
    ],
  ])('reports %s on its map and goes on', (_name, data, name, message) => {
    const { settings, problems } = open(map(name, data));
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(settings.current().defaults.timeoutMinutes).toBe(60);
  });

  it.each([
    [
      'a renewal longer than the lease',
      { 'lease-duration': '5s', 'renew-deadline': '10s' },
      /lease-duration must be longer than renew-deadline/,
    ],
    [
      'no room for a second try',
      { 'retry-period': '35s' },
      /retry-period: 1.2 times it must be shorter than renew-deadline .* the default periods are used/,
    ],
  ])('uses the default periods for %s', (_name, data, message) => {
    const { settings, problems } = open(map('config-leader-election-controller', { buckets: '3', ...data }));
    expect(settings.leaderElection()).toMatchObject({ buckets: 3, leaseDurationMs: 60_000, retryPeriodMs: 10_000 });
    expect(problems).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ['the older name alone', { buckets: '3' }, undefined, 3],
    ['a key of its own first', { buckets: '3' }, { buckets: '2' }, 2],
    ['the older name where its own says nothing', { buckets: '3' }, { 'retry-period': '9s' }, 3],
  ])('takes the buckets of leader election from %s', (_name, shared, own, buckets) => {
    const { settings, problems } = open(
      map('config-leader-election', shared),
      ...(own ? [map('config-leader-election-controller', own)] : []),
    );
    expect(settings.leaderElection().buckets).toBe(buckets);
    expect(problems).toEqual([]);
  });

  it('tells a bad value on the map that it is in', () => {
    const { settings, problems } = open(
      map('config-leader-election', { buckets: 'many' }),
      map('config-leader-election-controller', {}),
    );
    expect(settings.leaderElection().buckets).toBe(1);
    expect(problems).toEqual([expect.stringMatching(/^config-leader-election .*buckets/)]);
  });
});
