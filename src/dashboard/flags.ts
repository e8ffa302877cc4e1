import { createPublicKey, type KeyObject } from 'node:crypto';
import { defaultAlgorithm } from '../chains/signing/algorithm.ts';
import { messageOf } from '../errors.ts';
import { logLevel } from '../log.ts';
import { FlagError, numberFlag, parseRoleFlags, type Environment, type RoleFlags } from '../role/flags.ts';

/** What the dashboard is started with: upstream's flags, and where the page is. */
export interface DashboardFlags extends RoleFlags {
  port: number;
  /** Nothing is changed through it, whoever asks. */
  isReadOnly: boolean;
  /** Nobody gets the dashboard's own rights: requests without credentials are refused. Ours. */
  needsCredentials: boolean;
  pipelinesNamespace: string;
  triggersNamespace: string;
  /** Where the settings of Chains and of the resolvers are. Ours. */
  chainsNamespace: string;
  resolversNamespace: string;
  /** The namespace that the page begins with. */
  defaultNamespace: string;
  logoutURL: string;
  /** Where logs are that the cluster no longer has. */
  externalLogs: URL | undefined;
  streamLogs: boolean;
  /** Folder with the built page; undefined: beside the program. */
  webFolder: string | undefined;
  /** The public key that Chains signs with; without one nothing can be verified. */
  provenanceKey: KeyObject | undefined;
  /** How long requests are still taken after the end was asked for, ms. */
  drainMs: number;
}

const flagsOfRole = {
  role: 'dashboard',
  options: {
    port: { type: 'string', default: '9097' },
    'read-only': { type: 'string', default: 'false' },
    'require-credentials': { type: 'string', default: 'false' },
    'pipelines-namespace': { type: 'string', default: '' },
    'triggers-namespace': { type: 'string', default: '' },
    'chains-namespace': { type: 'string', default: 'tekton-chains' },
    'resolvers-namespace': { type: 'string', default: 'tekton-pipelines-resolvers' },
    'default-namespace': { type: 'string', default: '' },
    'logout-url': { type: 'string', default: '' },
    'external-logs': { type: 'string', default: '' },
    'stream-logs': { type: 'string', default: 'true' },
    'log-level': { type: 'string' },
    'web-dir': { type: 'string' },
    'provenance-key': { type: 'string', default: '' },
    'drain-seconds': { type: 'string', default: '3' },
  },
  defaults: { concurrency: 1, qps: 100, burst: 200, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseDashboardFlags(args: readonly string[], env: Environment): DashboardFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args.map(withValue), env);
  // Upstream's name of the variable.
  const systemNamespace = env['INSTALLED_NAMESPACE'] || flags.systemNamespace;
  return {
    ...flags,
    systemNamespace,
    logLevel: levelFlag(values['log-level'] || flags.logLevel),
    port: numberFlag('--port', values.port, 0),
    isReadOnly: booleanFlag('read-only', values['read-only']),
    needsCredentials: booleanFlag('require-credentials', values['require-credentials']),
    pipelinesNamespace: values['pipelines-namespace'] || systemNamespace,
    triggersNamespace: values['triggers-namespace'] || systemNamespace,
    chainsNamespace: values['chains-namespace'],
    resolversNamespace: values['resolvers-namespace'],
    defaultNamespace: values['default-namespace'],
    logoutURL: logoutFlag(values['logout-url']),
    externalLogs: externalLogsFlag(values['external-logs']),
    streamLogs: booleanFlag('stream-logs', values['stream-logs']),
    webFolder: values['web-dir'] || undefined,
    provenanceKey: keyFlag(values['provenance-key']),
    drainMs: numberFlag('--drain-seconds', values['drain-seconds'], 0) * 1000,
  };
}

/** As Go's flags, these mean true without a value. */
function withValue(argument: string): string {
  return /^--?(?:read-only|require-credentials|stream-logs)$/.test(argument) ? `${argument}=true` : argument;
}

function booleanFlag(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new FlagError(`--${name} is ${JSON.stringify(text)}; give true or false`);
}

function levelFlag(text: string): string {
  if (logLevel(text) !== undefined) return text;
  throw new FlagError(`--log-level is ${JSON.stringify(text)}; give debug, info, warn, error or fatal`);
}

/** It becomes a link of the page: a script's address would run there. */
function logoutFlag(text: string): string {
  if (text === '' || /^\/(?!\/)/.test(text) || isHttp(text)) return text;
  throw new FlagError(
    `--logout-url is ${JSON.stringify(text)}; give a path such as /oauth2/sign_out, or an http(s) address`,
  );
}

function externalLogsFlag(text: string): URL | undefined {
  if (text === '') return undefined;
  if (isHttp(text)) return new URL(text);
  throw new FlagError(`--external-logs is ${JSON.stringify(text)}; give an http(s) address`);
}

/** The PEM itself: a public key is no secret. */
function keyFlag(text: string): KeyObject | undefined {
  if (text === '') return undefined;
  try {
    const key = createPublicKey(text);
    defaultAlgorithm(key);
    return key;
  } catch (error) {
    throw new FlagError(`--provenance-key: ${messageOf(error)}; give the text of cosign.pub`, { cause: error });
  }
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
