import { describe, expect, test } from 'vitest';
import { parseLogging } from './config-logging.ts';

describe('config-logging', () => {
  /** As upstream ships it. */
  const shipped = JSON.stringify({
    level: 'info',
    development: false,
    sampling: { initial: 100, thereafter: 100 },
    outputPaths: ['stdout'],
    errorOutputPaths: ['stderr'],
    encoding: 'json',
    encoderConfig: { timeKey: 'timestamp', levelKey: 'severity', nameKey: 'logger', messageKey: 'message' },
  });
  const rows: [string, Record<string, string> | undefined, object, RegExp?][] = [
    ['no ConfigMap', undefined, {}],
    ['an empty level', { 'loglevel.controller': '' }, {}],
    [
      'a level each',
      { 'loglevel.controller': 'DEBUG', 'loglevel.webhook': 'warn' },
      { controller: 'debug', webhook: 'warn' },
    ],
    [
      "upstream's own",
      { 'zap-logger-config': shipped },
      { controller: 'info', webhook: 'info', eventlistener: 'info', watcher: 'info' },
    ],
    [
      'one level for all but one',
      { 'zap-logger-config': '{"level":"error"}', 'loglevel.webhook': 'debug' },
      { controller: 'error', webhook: 'debug', eventlistener: 'error', watcher: 'error' },
    ],
    ['no level', { 'loglevel.controller': 'loud' }, {}, /loglevel.controller has the value "loud".*"debug"/],
    ['no level of zap', { 'zap-logger-config': '{"level":"loud"}' }, {}, /level is "loud".*use debug, info/],
    ['no JSON', { 'zap-logger-config': 'level: info' }, {}, /no configuration of zap .*as the process was started/],
    [
      'another form of lines',
      { 'zap-logger-config': '{"encoding":"console","outputPaths":["/f"],"encoderConfig":{"timeKey":"ts"}}' },
      {},
      /encoding, outputPaths, encoderConfig.timeKey: no effect; the log is JSON on stdout/,
    ],
    ['a process that is none', { 'loglevel.autoscaler': 'info' }, {}, /loglevel.autoscaler is not known/],
  ];
  test.each(rows)('%s', (_name, data, wanted, message) => {
    const { logging, problems } = parseLogging(data);
    expect(logging).toEqual(wanted);
    expect(problems.map((problem) => problem.message)).toEqual(message ? [expect.stringMatching(message)] : []);
  });
});
