import { parseArgs } from 'node:util';
import { FlagError, hostFlag, numberFlag as number } from '../role/flags.ts';

export { FlagError } from '../role/flags.ts';

/** What the controller is started with; everything that may change while it runs is in ConfigMaps. */
export interface ControllerFlags {
  entrypointImage: string;
  nopImage: string;
  /** Reconciles of a kind at the same time. */
  concurrency: number;
  qps: number;
  burst: number;
  /** Empty: all namespaces. */
  namespaces: string[];
  /** Where images of a registry host are looked up instead; `*` for every host. */
  registryMirrors: Record<string, string>;
  /** Hosts with internal addresses that registries may redirect to or name as token servers. */
  registryTrustedHosts: string[];
  kubeconfig: string | undefined;
  context: string | undefined;
  disableHighAvailability: boolean;
  metricsPort: number;
  probesPort: number;
  systemNamespace: string;
  /** Holder of leases; a pod's name, so that a restarted container goes on with the leases it held. */
  identity: string | undefined;
  logLevel: string;
}

const options = {
  'entrypoint-image': { type: 'string' },
  'nop-image': { type: 'string' },
  concurrency: { type: 'string', default: '32' },
  'kube-api-qps': { type: 'string', default: '100' },
  'kube-api-burst': { type: 'string', default: '200' },
  namespaces: { type: 'string', default: '' },
  // Upstream's name for a single one.
  namespace: { type: 'string', default: '' },
  'registry-mirror': { type: 'string', multiple: true },
  'registry-trusted-host': { type: 'string', multiple: true },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'disable-ha': { type: 'boolean', default: false },
} as const;

function mirror(text: string): [string, string] {
  const at = text.indexOf('=');
  const url = text.slice(at + 1);
  if (at < 1 || !URL.canParse(url))
    throw new FlagError(
      `--registry-mirror is ${JSON.stringify(text)}; write HOST=URL, such as ghcr.io=https://mirror.example.com, or *=URL for all`,
    );
  return [text.slice(0, at), url];
}

/**
 * Reads the controller's flags and environment (SYSTEM_NAMESPACE, POD_NAME, LOG_LEVEL, METRICS_PROMETHEUS_PORT,
 * PROBES_PORT), once.
 * @throws FlagError naming the flag, its value and what it takes.
 */
export function parseControllerFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ControllerFlags {
  const values = read(args);
  const missing = (['entrypoint-image', 'nop-image'] as const).find((name) => !values[name]);
  if (missing) throw new FlagError(`--${missing} is missing: it names the image that every TaskRun's pod needs`);
  return {
    entrypointImage: values['entrypoint-image'] ?? '',
    nopImage: values['nop-image'] ?? '',
    concurrency: number('concurrency', values.concurrency, 1),
    qps: number('kube-api-qps', values['kube-api-qps'], 1),
    burst: number('kube-api-burst', values['kube-api-burst'], 1),
    namespaces: [...values.namespaces.split(','), values.namespace]
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    registryMirrors: Object.fromEntries((values['registry-mirror'] ?? []).map(mirror)),
    registryTrustedHosts: (values['registry-trusted-host'] ?? []).map(hostFlag),
    kubeconfig: values.kubeconfig,
    context: values.context,
    disableHighAvailability: values['disable-ha'],
    metricsPort: number('METRICS_PROMETHEUS_PORT', env['METRICS_PROMETHEUS_PORT'] ?? '9090', 0),
    probesPort: number('PROBES_PORT', env['PROBES_PORT'] ?? '8080', 0),
    systemNamespace: env['SYSTEM_NAMESPACE'] ?? 'tekton-pipelines',
    identity: env['POD_NAME'] || undefined,
    logLevel: env['LOG_LEVEL'] ?? 'info',
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const known = Object.keys(options)
      .map((name) => `--${name}`)
      .join(', ');
    throw new FlagError(`${error instanceof Error ? error.message : String(error)}; the controller takes ${known}`, {
      cause: error,
    });
  }
}
