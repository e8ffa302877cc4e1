import { describe, expect, it } from 'vitest';
import { FlagError, hostFlag, parseRoleFlags, REGISTRY_OPTIONS, registryFlags, type RoleFlags } from './flags.ts';

const chef = {
  role: 'chef',
  options: { pan: { type: 'string' }, ...REGISTRY_OPTIONS },
  defaults: { concurrency: 7, qps: 50, burst: 60, systemNamespace: 'kitchen' },
} as const;

const parse = (args: readonly string[], env: Record<string, string> = {}) => parseRoleFlags(chef, args, env);

describe('flags that every role takes', () => {
  it('have defaults, the role own ones among them', () => {
    expect(parse([]).flags).toEqual<RoleFlags>({
      concurrency: 7,
      qps: 50,
      burst: 60,
      namespaces: [],
      resyncMs: 36_000_000,
      kubeconfig: undefined,
      context: undefined,
      disableHighAvailability: false,
      metricsPort: 9090,
      probesPort: 8080,
      profilingPort: 8008,
      systemNamespace: 'kitchen',
      identity: undefined,
      logLevel: 'info',
    });
  });

  it.each<[name: string, args: string[], env: Record<string, string>, wanted: Partial<RoleFlags>]>([
    ['namespaces of both spellings', ['--namespaces=a, b', '--namespace=c'], {}, { namespaces: ['a', 'b', 'c'] }],
    ['the threads as upstream names them', ['--threads-per-controller=3'], {}, { concurrency: 3 }],
    [
      'one dash, as Go takes it',
      ['-threads-per-controller', '3', '-disable-ha'],
      {},
      { disableHighAvailability: true },
    ],
    ['the threads of the environment', [], { THREADS_PER_CONTROLLER: '5' }, { concurrency: 5 }],
    ['a flag before the environment', ['--concurrency=4'], { THREADS_PER_CONTROLLER: '5' }, { concurrency: 4 }],
    ['limits of the environment', [], { KUBE_API_QPS: '9', KUBE_API_BURST: '10' }, { qps: 9, burst: 10 }],
    ['limits by flag', ['--kube-api-qps=1.5'], { KUBE_API_QPS: '9' }, { qps: 1.5 }],
    ['an empty variable is no value', [], { KUBE_API_QPS: '', SYSTEM_NAMESPACE: '' }, { qps: 50 }],
    ['a resync period', ['--resync-period=1h30m'], {}, { resyncMs: 5_400_000 }],
    ['what the pod says', [], { POD_NAME: 'chef-0', SYSTEM_NAMESPACE: 'ci' }, { identity: 'chef-0' }],
    ['ports', [], { METRICS_PROMETHEUS_PORT: '0', PROBES_PORT: '81' }, { metricsPort: 0, probesPort: 81 }],
  ])('take %s', (_name, args, env, wanted) => expect(parse(args, env).flags).toMatchObject(wanted));

  it.each<[name: string, args: string[], env: Record<string, string>, message: string]>([
    ['a number that is not one', ['--concurrency=many'], {}, '--concurrency is "many"; give a number of 1 or more'],
    ['no threads', ['--threads-per-controller=0'], {}, '--threads-per-controller is "0"; give a number of 1 or more'],
    ['a variable', [], { KUBE_API_QPS: 'x' }, 'KUBE_API_QPS is "x"; give a number of 1 or more'],
    ['a port', [], { PROBES_PORT: '-1' }, 'PROBES_PORT is "-1"; give a number of 0 or more'],
    ['a period without a unit', ['--resync-period=10'], {}, '--resync-period is "10": time: missing unit in duration'],
    [
      'a period that is too short',
      ['--resync-period=1s'],
      {},
      '--resync-period is "1s"; give a duration of 1m or more',
    ],
    ['a period that no timer holds', ['--resync-period=600h'], {}, 'and at most 500h'],
    ['an unknown flag', ['--fork'], {}, 'the chef takes --concurrency'],
    ['a word', ['soup'], {}, 'the chef takes --concurrency'],
  ])('refuse %s', (_name, args, env, message) => {
    expect(() => parse(args, env)).toThrow(FlagError);
    expect(() => parse(args, env)).toThrow(message);
  });

  it('leave the role its own', () => expect(parse(['--pan', 'iron']).values.pan).toBe('iron'));
});

describe('flags of registries', () => {
  it('are mirrors and hosts', () => {
    const { values } = parse(['--registry-mirror=ghcr.io=https://mirror', '--registry-trusted-host=auth.example.com']);
    expect(registryFlags(values)).toEqual({
      registryMirrors: { 'ghcr.io': 'https://mirror' },
      registryTrustedHosts: ['auth.example.com'],
    });
  });

  it('refuse a mirror without a URL', () =>
    expect(() => registryFlags(parse(['--registry-mirror=ghcr.io']).values)).toThrow('write HOST=URL'));
});

describe('a host in a flag', () => {
  it.each([
    ['auth.example.com', 'auth.example.com'],
    ['Auth.Example.COM', 'auth.example.com'],
    ['10.0.0.7', '10.0.0.7'],
    ['[fd00::1]', '[fd00::1]'],
  ])('is taken: %s', (text, host) => expect(hostFlag(text)).toBe(host));

  it.each(['', 'https://auth.example.com', 'auth.example.com:443', 'auth.example.com/token', 'user@host', 'a b'])(
    'is refused: %j',
    (text) => expect(() => hostFlag(text)).toThrow('write a host without scheme and port'),
  );
});
