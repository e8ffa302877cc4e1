import pino from 'pino';
import { withoutUserinfo } from './redact.ts';

export type Logger = pino.Logger;

/** Levels as config-logging (zap) names them, on pino's scale. */
const LEVELS: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  dpanic: 'fatal',
  panic: 'fatal',
  fatal: 'fatal',
};

/** The pino level of a config-logging level name, or undefined for a name that zap would refuse. */
export function logLevel(name: string): string | undefined {
  return LEVELS[name.toLowerCase()];
}

/**
 * A JSON logger whose lines have the keys of Tekton's own config-logging (severity, timestamp, logger, message),
 * so that users' log pipelines keep working. Names and passwords in URLs never get into a line.
 */
export function createLogger(options: { name: string; level?: string; destination?: pino.DestinationStream }): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: { logger: options.name },
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
      hooks: { streamWrite: withoutUserinfo },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
