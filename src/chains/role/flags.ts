import { parseArgs } from 'node:util';
import { FlagError, hostFlag, numberFlag } from '../../role/flags.ts';

/** What the chains role is started with; everything else is in ConfigMap chains-config. */
export interface ChainsFlags {
  /** Runs of a kind that are worked on at the same time. */
  concurrency: number;
  qps: number;
  burst: number;
  /** Empty: all namespaces. */
  namespaces: string[];
  /** Where keys are read instead of in Secret signing-secrets. */
  signingSecretsDirectory: string | undefined;
  /** Where a registry host is reached instead; `*` for every host. */
  registryMirrors: Record<string, string>;
  /** Hosts with internal addresses that registries may redirect to or name as token servers. */
  registryTrustedHosts: string[];
  kubeconfig: string | undefined;
  context: string | undefined;
  disableHighAvailability: boolean;
  /** Several replicas may write attestations of one image at the same time: they take turns by leases. */
  lockTagsByLease: boolean;
  metricsPort: number;
  probesPort: number;
  systemNamespace: string;
  /** Holder of leases. */
  identity: string | undefined;
  logLevel: string;
}

const options = {
  concurrency: { type: 'string', default: '32' },
  // Upstream's name of it.
  'threads-per-controller': { type: 'string' },
  'kube-api-qps': { type: 'string', default: '200' },
  'kube-api-burst': { type: 'string', default: '400' },
  namespaces: { type: 'string', default: '' },
  // Upstream's name; it takes a list as well.
  namespace: { type: 'string', default: '' },
  'signing-secrets-directory': { type: 'string' },
  'registry-mirror': { type: 'string', multiple: true },
  'registry-trusted-host': { type: 'string', multiple: true },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'disable-ha': { type: 'boolean', default: false },
  'lock-tags-by-lease': { type: 'boolean', default: false },
} as const;

/**
 * Reads flags and environment (SYSTEM_NAMESPACE, POD_NAME, LOG_LEVEL, METRICS_PROMETHEUS_PORT, PROBES_PORT), once.
 * @throws FlagError naming the flag, its value and what it takes.
 */
export function parseChainsFlags(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChainsFlags {
  const values = read(args);
  const [threadsName, threads] =
    values['threads-per-controller'] === undefined
      ? ['concurrency', values.concurrency]
      : ['threads-per-controller', values['threads-per-controller']];
  return {
    concurrency: numberFlag(threadsName, threads, 1),
    qps: numberFlag('kube-api-qps', values['kube-api-qps'], 1),
    burst: numberFlag('kube-api-burst', values['kube-api-burst'], 1),
    namespaces: `${values.namespaces},${values.namespace}`
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    signingSecretsDirectory: values['signing-secrets-directory'],
    registryMirrors: Object.fromEntries((values['registry-mirror'] ?? []).map(mirror)),
    registryTrustedHosts: (values['registry-trusted-host'] ?? []).map(hostFlag),
    kubeconfig: values.kubeconfig,
    context: values.context,
    disableHighAvailability: values['disable-ha'],
    lockTagsByLease: values['lock-tags-by-lease'],
    metricsPort: numberFlag('METRICS_PROMETHEUS_PORT', env['METRICS_PROMETHEUS_PORT'] ?? '9090', 0),
    probesPort: numberFlag('PROBES_PORT', env['PROBES_PORT'] ?? '8080', 0),
    systemNamespace: env['SYSTEM_NAMESPACE'] || 'tekton-chains',
    identity: env['POD_NAME'] || undefined,
    logLevel: env['LOG_LEVEL'] ?? 'info',
  };
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

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const known = Object.keys(options)
      .map((name) => `--${name}`)
      .join(', ');
    throw new FlagError(`${error instanceof Error ? error.message : String(error)}; chains takes ${known}`, {
      cause: error,
    });
  }
}
