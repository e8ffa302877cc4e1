import { FlagError, numberFlag, parseRoleFlags, type Environment, type RoleFlags } from '../../role/flags.ts';

/** How one listener is served. */
export interface ListenerFlags {
  listener: { namespace: string; name: string };
  port: number;
  /** Triggers of all namespaces are watched. */
  isMultiNamespace: boolean;
  payloadValidation: boolean;
  cloudEventUri: string;
  /** How long a request may take to come, ms. */
  readMs: number;
  /** How long an answer may wait for its triggers, ms. */
  handlerMs: number;
  /** How long an interceptor may take, ms. */
  interceptorMs: number;
  bodyLimit: number;
}

/** What a listener's Deployment starts its sink with. */
export interface SinkFlags extends RoleFlags, ListenerFlags {
  /** Files with a certificate and its key; undefined: plain HTTP. */
  tls: { cert: string; key: string } | undefined;
  /** How long the sink still takes events after it was asked to end, ms: a Service hears of it late. */
  drainMs: number;
}

const flagsOfRole = {
  role: 'sink',
  options: {
    'el-name': { type: 'string' },
    'el-namespace': { type: 'string' },
    port: { type: 'string', default: '8080' },
    readtimeout: { type: 'string', default: '5' },
    timeouthandler: { type: 'string', default: '30' },
    'httpclient-readtimeout': { type: 'string', default: '30' },
    'is-multi-ns': { type: 'string', default: 'false' },
    'payload-validation': { type: 'string', default: 'true' },
    'cloudevent-uri': { type: 'string', default: '' },
    'tls-cert': { type: 'string', default: '' },
    'tls-key': { type: 'string', default: '' },
    'max-body-bytes': { type: 'string', default: String(25 * 1024 * 1024) },
    'drain-seconds': { type: 'string', default: '5' },
  },
  defaults: { concurrency: 16, qps: 100, burst: 200, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseSinkFlags(args: readonly string[], env: Environment): SinkFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  const name = values['el-name'] ?? env['NAME'];
  const namespace = values['el-namespace'] ?? env['NAMESPACE'];
  if (!name || !namespace) throw new FlagError('--el-name and --el-namespace are missing: they name the EventListener');
  const { 'tls-cert': cert, 'tls-key': key } = values;
  if ((cert === '') !== (key === ''))
    throw new FlagError('--tls-cert and --tls-key belong together: give both or none');
  const seconds = (flag: 'readtimeout' | 'timeouthandler' | 'httpclient-readtimeout' | 'drain-seconds'): number =>
    numberFlag(`--${flag}`, values[flag], 0) * 1000;
  return {
    ...flags,
    // The events' own port has the probe.
    probesPort: 0,
    listener: { namespace, name },
    port: numberFlag('--port', values.port, 0),
    isMultiNamespace: booleanFlag('is-multi-ns', values['is-multi-ns']),
    payloadValidation: booleanFlag('payload-validation', values['payload-validation']),
    cloudEventUri: values['cloudevent-uri'],
    tls: cert === '' ? undefined : { cert, key },
    readMs: seconds('readtimeout'),
    handlerMs: seconds('timeouthandler'),
    interceptorMs: seconds('httpclient-readtimeout'),
    bodyLimit: numberFlag('--max-body-bytes', values['max-body-bytes'], 1),
    drainMs: seconds('drain-seconds'),
  };
}

function booleanFlag(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new FlagError(`--${name} is ${JSON.stringify(text)}; give true or false`);
}
