import { expect, test } from 'vitest';
import { createLogger, logLevel } from './log.ts';

test('lines have the keys of config-logging', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: 'tekton-pipelines-controller',
    destination: {
      write: (text: string) => {
        lines.push(JSON.parse(text) as Record<string, unknown>);
      },
    },
  });
  log.warn({ key: 'ns/a', error: new Error('boom', { cause: new Error('deep') }) }, 'reconcile failed');
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    severity: 'warn',
    logger: 'tekton-pipelines-controller',
    message: 'reconcile failed',
    key: 'ns/a',
    error: { message: 'boom' },
  });
  expect(lines[0]?.['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test.each([
  ['info', 'info'],
  ['WARN', 'warn'],
  ['dpanic', 'fatal'],
  ['loud', undefined],
])('level %s', (name, wanted) => expect(logLevel(name)).toBe(wanted));

test('no name and password of a URL gets into a line', () => {
  const lines: string[] = [];
  const log = createLogger({ name: 'x', destination: { write: (text: string) => void lines.push(text) } });
  const url = 'https://admin:hunter2@db.example/x';
  log.error({ url, nested: { url }, error: new Error(`${url} cannot be reached`) }, `at ${url}`);
  expect(lines.join()).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'at https://***@db.example/x' });
});
