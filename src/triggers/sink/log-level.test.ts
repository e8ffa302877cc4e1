import { expect, it } from 'vitest';
import type { EventListener } from '../../api/triggers/objects.ts';
import { createLogger } from '../../log.ts';
import { Store } from '../../kube/store.ts';
import { followLogLevel, logLevelAnnotation } from './log-level.ts';

function listener(resourceVersion: number, level?: unknown): EventListener {
  const annotations: Record<string, string> = level === undefined ? {} : { [logLevelAnnotation]: level as string };
  return {
    metadata: { name: 'l', namespace: 'ci', resourceVersion: String(resourceVersion) },
    status: { annotations },
  };
}

it("a sink's log has the level that its listener's status says", () => {
  const lines: string[] = [];
  const log = createLogger({ name: 'sink', destination: { write: (line) => void lines.push(line) } });
  const store = new Store<EventListener>();
  const stop = followLogLevel({ onChange: (handler) => store.subscribe(handler) }, log);
  const levels = (
    [
      [1, undefined],
      [2, 'debug'],
      [3, 'debug'],
      [4, 'loud'],
      [5, 7],
      [6, 'panic'],
    ] as const
  ).map(([version, level]) => {
    store.upsert(listener(version, level));
    return log.level;
  });
  expect(levels).toEqual(['info', 'debug', 'debug', 'debug', 'debug', 'fatal']);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['debug', 'fatal']);
  store.delete(listener(7, 'info'));
  stop();
  store.upsert(listener(8, 'info'));
  expect(log.level).toBe('fatal');
});
