import { FlagError, numberFlag, parseRoleFlags, type Environment, type RoleFlags } from '../../role/flags.ts';
import type { ListenerFlags } from '../sink/flags.ts';

/** What the shared sink is started with: the same for all its listeners. */
export interface SharedSinkFlags
  extends
    RoleFlags,
    Omit<ListenerFlags, 'listener' | 'port' | 'isMultiNamespace' | 'payloadValidation' | 'cloudEventUri'> {
  /** Name of its pod: what it serves stands under it. */
  pod: string;
  drainMs: number;
}

const flagsOfRole = {
  role: 'shared-sink',
  options: {
    readtimeout: { type: 'string', default: '5' },
    timeouthandler: { type: 'string', default: '30' },
    'httpclient-readtimeout': { type: 'string', default: '30' },
    'max-body-bytes': { type: 'string', default: String(25 * 1024 * 1024) },
    'drain-seconds': { type: 'string', default: '10' },
  },
  // Of each listener's ServiceAccount.
  defaults: { concurrency: 16, qps: 100, burst: 200, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseSharedSinkFlags(args: readonly string[], env: Environment): SharedSinkFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  if (!flags.identity) throw new FlagError('POD_NAME is missing: what the shared sink serves is told under it');
  const seconds = (
    flag: Exclude<keyof typeof values, 'max-body-bytes' | 'namespaces'> & keyof typeof flagsOfRole.options,
  ) => numberFlag(`--${flag}`, values[flag], 0) * 1000;
  return {
    ...flags,
    pod: flags.identity,
    readMs: seconds('readtimeout'),
    handlerMs: seconds('timeouthandler'),
    interceptorMs: seconds('httpclient-readtimeout'),
    bodyLimit: numberFlag('--max-body-bytes', values['max-body-bytes'], 1),
    drainMs: seconds('drain-seconds'),
  };
}
