import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import { ConfigValues, type ConfigProblem } from './values.ts';

/**
 * Who has a key `loglevel.NAME` of its own: upstream's processes. The resolvers and Triggers' controller are a
 * `controller` too, each in its own map; Chains is the `watcher`.
 */
export const loggedComponents = ['controller', 'webhook', 'eventlistener', 'watcher'] as const;
export type LoggedComponent = (typeof loggedComponents)[number];

/** zap's names of levels. */
const levels = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'] as const;
export type LogLevelName = (typeof levels)[number];

/**
 * ConfigMap config-logging, or config-logging-triggers: what each process logs. A component that is not in it logs as
 * it was started to.
 */
export type LoggingConfig = Partial<Record<LoggedComponent, LogLevelName>>;

/** What is read of zap's configuration, and what it would have to be to be as the log is. */
const zapSchema = z.object({
  level: z.string().optional(),
  encoding: z.string().optional(),
  outputPaths: z.array(z.string()).optional(),
  encoderConfig: z.record(z.string(), z.unknown()).optional(),
});
const zapKey = 'zap-logger-config';
const keysOfLines = { timeKey: 'timestamp', levelKey: 'severity', nameKey: 'logger', messageKey: 'message' };

/** The settings of ConfigMap config-logging; `undefined` gives none. Never throws. */
export function parseLogging(data: Readonly<Record<string, string>> | undefined): {
  logging: LoggingConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const general = zapLevel(values);
  const logging: LoggingConfig = {};
  for (const component of loggedComponents) {
    const level = values.oneOf(`loglevel.${component}`, '', ['', ...levels]) || general;
    if (level) logging[component] = level;
  }
  return { logging, problems: values.reportUnknownKeys() };
}

/** The level of zap's configuration. What else it asks for, and is not so, is told: lines have one form. */
function zapLevel(values: ConfigValues): LogLevelName | undefined {
  const text = values.text(zapKey, '');
  if (text.trim() === '') return undefined;
  const tell = (message: string, kind: ConfigProblem['kind'] = 'invalid-value') =>
    values.problems.push({ kind, key: zapKey, message: `key ${zapKey}: ${message}` });
  let zap: z.infer<typeof zapSchema>;
  try {
    zap = zapSchema.parse(JSON.parse(text));
  } catch (error) {
    tell(`it is no configuration of zap (${messageOf(error)}); levels are as the process was started with`);
    return undefined;
  }
  const without = withoutEffect(zap);
  if (without.length > 0)
    tell(`${without.join(', ')}: no effect; the log is JSON on stdout, ${keysInWords}`, 'unknown-key');
  const level = levels.find((name) => name === zap.level?.trim().toLowerCase());
  if (zap.level !== undefined && level === undefined)
    tell(`level is ${JSON.stringify(zap.level)}, which is not valid; use ${levels.join(', ')}`);
  return level;
}

const keysInWords = `with the keys ${Object.values(keysOfLines).join(', ')}`;

function withoutEffect({ encoding, outputPaths, encoderConfig = {} }: z.infer<typeof zapSchema>): string[] {
  const keys = Object.entries(keysOfLines)
    .filter(([key, name]) => encoderConfig[key] !== undefined && encoderConfig[key] !== name)
    .map(([key]) => `encoderConfig.${key}`);
  return [
    ...(encoding !== undefined && encoding !== 'json' ? ['encoding'] : []),
    ...(outputPaths !== undefined && outputPaths.join() !== 'stdout' ? ['outputPaths'] : []),
    ...keys,
  ];
}
