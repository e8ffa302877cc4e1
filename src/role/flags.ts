import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { commaList } from '../comma-list.ts';
import { parseDuration } from '../duration.ts';
import { messageOf } from '../errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A command line that cannot be used. The message names the flag, its value and what it takes. */
export class FlagError extends Error {
  override name = 'FlagError';
}

/** What every role is started with. What may change while it runs is in ConfigMaps. */
export interface RoleFlags {
  /** Keys of a kind that are worked on at the same time. */
  concurrency: number;
  /** Requests to the API server per second, and how many at once. */
  qps: number;
  burst: number;
  /** Empty: all namespaces. */
  namespaces: string[];
  /** How often everything is looked at again, ms. */
  resyncMs: number;
  kubeconfig: string | undefined;
  context: string | undefined;
  disableHighAvailability: boolean;
  metricsPort: number;
  probesPort: number;
  profilingPort: number;
  systemNamespace: string;
  /** Holder of leases; a pod's name, so that a restarted container goes on with the leases it held. */
  identity: string | undefined;
  logLevel: string;
}

/** Flags of the roles that talk to registries. */
export interface RegistryFlags {
  /** Where images of a registry host are looked up instead; `*` for every host. */
  registryMirrors: Record<string, string>;
  /** Hosts with internal addresses that registries may redirect to or name as token servers. */
  registryTrustedHosts: string[];
}

const common = {
  concurrency: { type: 'string' },
  // Upstream's name of it.
  'threads-per-controller': { type: 'string' },
  'kube-api-qps': { type: 'string' },
  'kube-api-burst': { type: 'string' },
  'resync-period': { type: 'string', default: '10h' },
  namespaces: { type: 'string', default: '' },
  // Upstream's name of it; it takes a list as well.
  namespace: { type: 'string', default: '' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'disable-ha': { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** For the `options` of a role that talks to registries; `registryFlags` reads them. */
export const REGISTRY_OPTIONS = {
  'registry-mirror': { type: 'string', multiple: true },
  'registry-trusted-host': { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

/** How a role's command line differs from the others'. */
export interface FlagsOfRole<Options extends ParseArgsOptionsConfig> {
  /** As in `tektite NAME`. */
  role: string;
  /** Flags of this role alone. */
  options: Options;
  defaults: { concurrency: number; qps: number; burst: number; systemNamespace: string };
}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; strict: true; allowPositionals: false }>
>['values'];

/**
 * Reads a role's flags and environment (SYSTEM_NAMESPACE, POD_NAME, LOG_LEVEL, METRICS_PROMETHEUS_PORT, PROBES_PORT,
 * PROFILING_PORT; THREADS_PER_CONTROLLER, KUBE_API_QPS, KUBE_API_BURST where no flag is given), once. `values` holds
 * the role's own.
 * As Go's flags they may be written with one dash: Deployments that were patched for Tekton keep working.
 * @throws FlagError naming the flag, its value and what it takes.
 */
export function parseRoleFlags<Options extends ParseArgsOptionsConfig>(
  { role, options, defaults }: FlagsOfRole<Options>,
  args: readonly string[],
  env: Environment,
): { flags: RoleFlags; values: Values<Options> } {
  const all = read({ ...common, ...options }, args, role);
  const values = all as Values<typeof common>;
  const threads =
    values['threads-per-controller'] === undefined
      ? setting('concurrency', values.concurrency, ['THREADS_PER_CONTROLLER', env], defaults.concurrency)
      : numberFlag('--threads-per-controller', values['threads-per-controller'], 1);
  const flags: RoleFlags = {
    concurrency: threads,
    qps: setting('kube-api-qps', values['kube-api-qps'], ['KUBE_API_QPS', env], defaults.qps),
    burst: setting('kube-api-burst', values['kube-api-burst'], ['KUBE_API_BURST', env], defaults.burst),
    namespaces: commaList(`${values.namespaces},${values.namespace}`),
    resyncMs: resyncPeriod(values['resync-period']),
    kubeconfig: values.kubeconfig,
    context: values.context,
    disableHighAvailability: values['disable-ha'],
    metricsPort: numberFlag('METRICS_PROMETHEUS_PORT', env['METRICS_PROMETHEUS_PORT'] ?? '9090', 0),
    probesPort: numberFlag('PROBES_PORT', env['PROBES_PORT'] ?? '8080', 0),
    profilingPort: numberFlag('PROFILING_PORT', env['PROFILING_PORT'] ?? '8008', 0),
    systemNamespace: env['SYSTEM_NAMESPACE'] || defaults.systemNamespace,
    identity: env['POD_NAME'] || undefined,
    logLevel: env['LOG_LEVEL'] ?? 'info',
  };
  return { flags, values: all };
}

/** What REGISTRY_OPTIONS gave. @throws FlagError */
export function registryFlags(values: Values<typeof REGISTRY_OPTIONS>): RegistryFlags {
  return {
    registryMirrors: Object.fromEntries((values['registry-mirror'] ?? []).map(mirror)),
    registryTrustedHosts: (values['registry-trusted-host'] ?? []).map(hostFlag),
  };
}

/** The number that a flag or variable holds. @throws FlagError when it is not a number, or below `least`. */
export function numberFlag(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least)
    throw new FlagError(`${name} is ${JSON.stringify(text)}; give a number of ${least} or more`);
  return value;
}

/** A host's name or address, as URLs hold it. @throws FlagError when it is more than that (a URL, a port), or less. */
export function hostFlag(text: string): string {
  const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : undefined;
  if (url === undefined || url.host !== text.toLowerCase() || url.port !== '')
    throw new FlagError(
      `--registry-trusted-host is ${JSON.stringify(text)}; write a host without scheme and port, such as auth.example.com`,
    );
  return url.hostname;
}

function setting(
  name: string,
  flag: string | undefined,
  [variable, env]: readonly [string, Environment],
  fallback: number,
): number {
  if (flag !== undefined) return numberFlag(`--${name}`, flag, 1);
  const text = env[variable];
  return text === undefined || text === '' ? fallback : numberFlag(variable, text, 1);
}

function resyncPeriod(text: string): number {
  const way = 'give a duration of 1m or more, such as 10h';
  try {
    const milliseconds = parseDuration(text);
    // Node's timers hold no more than 24.8 days; a longer one would fire at once, and for ever.
    if (milliseconds >= 60_000 && milliseconds < 2 ** 31) return milliseconds;
  } catch (error) {
    throw new FlagError(`--resync-period is ${JSON.stringify(text)}: ${messageOf(error)}; ${way}`, { cause: error });
  }
  throw new FlagError(`--resync-period is ${JSON.stringify(text)}; ${way}, and at most 500h`);
}

function mirror(text: string): [string, string] {
  const at = text.indexOf('=');
  const url = text.slice(at + 1);
  if (at < 1 || !URL.canParse(url))
    throw new FlagError(
      `--registry-mirror is ${JSON.stringify(text)}; write HOST=URL, such as ghcr.io=https://mirror.example.com, or *=URL for all`,
    );
  return [text.slice(0, at), url];
}

function read<Options extends ParseArgsOptionsConfig>(
  options: Options,
  args: readonly string[],
  role: string,
): Values<Options> {
  const twoDashes = args.map((argument) => (/^-[a-z][a-z-]/.test(argument) ? `-${argument}` : argument));
  try {
    return parseArgs({ args: twoDashes, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const known = Object.keys(options)
      .map((name) => `--${name}`)
      .join(', ');
    throw new FlagError(`${messageOf(error)}; the ${role} takes ${known}`, { cause: error });
  }
}
