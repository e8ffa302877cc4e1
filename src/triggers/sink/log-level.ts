import type { EventListener } from '../../api/triggers/objects.ts';
import type { Informer } from '../../kube/informer.ts';
import { logLevel, type Logger } from '../../log.ts';

/**
 * In a listener's `status.annotations`: the level of its sinks' logs, which the controller takes from
 * config-logging-triggers. Sinks may read no ConfigMap, and watch their listener anyway.
 */
export const logLevelAnnotation = 'triggers.tektite.dev/log-level';

/** Keeps the logger at the level that the listener's status says, while there is one. Returns the way to stop. */
export function followLogLevel(listeners: Pick<Informer<EventListener>, 'onChange'>, log: Logger): () => void {
  return listeners.onChange(({ type, object }) => {
    const level = logLevel(String(object.status?.annotations?.[logLevelAnnotation] ?? ''));
    if (type === 'deleted' || level === undefined || level === log.level) return;
    log.info({ level }, 'the level of the log changes');
    log.level = level;
  });
}
