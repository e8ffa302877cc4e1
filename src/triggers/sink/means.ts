import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../../log.ts';
import type { Environment } from '../../role/flags.ts';
import type { CreatorOptions } from './create.ts';
import type { ListenerFlags } from './flags.ts';
import type { ListenerMeters } from './meters.ts';
import type { SinkOptions } from './sink.ts';

/** What one listener is served with. */
export interface ListenerMeans {
  flags: ListenerFlags;
  env: Environment;
  /** With the rights of the listener's ServiceAccount. */
  client: KubeClient;
  /** Of a trigger's own ServiceAccount; undefined: the listener's. Rejects when the listener's may not act as that. */
  clientFor: CreatorOptions['clientFor'];
  events: EventRecorder;
  log: Logger;
  meters: ListenerMeters;
  most: SinkOptions['most'];
  /** Room that all listeners of the process share. */
  room?: SinkOptions['room'];
  /** No schedule begins any more. */
  end: AbortSignal;
}
