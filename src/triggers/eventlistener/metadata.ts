import type { EventListener } from '../../api/triggers/objects.ts';
import type { ListenerSettings } from './settings.ts';

/** The name of all that is made for a listener. */
export function generatedName({ metadata }: EventListener): string {
  return `el-${metadata.name ?? ''}`;
}

/** The labels by which a listener's Service and others select its pods. */
export function selectorOf(listener: EventListener): Record<string, string> {
  return {
    'app.kubernetes.io/managed-by': 'EventListener',
    'app.kubernetes.io/part-of': 'Triggers',
    eventlistener: listener.metadata.name ?? '',
  };
}

/** What all objects of a listener have: its labels and annotations, and it as their owner. */
export function metadataOf(listener: EventListener, { labelsExcluded }: ListenerSettings) {
  const { name = '', namespace, uid = '', annotations = {}, labels = {} } = listener.metadata;
  const passed = Object.entries(labels).filter(([key]) => labelsExcluded?.test(key) !== true);
  const { 'kubectl.kubernetes.io/last-applied-configuration': _own, ...others } = annotations;
  return {
    name: generatedName(listener),
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...Object.fromEntries(passed), ...selectorOf(listener) },
    annotations: others,
    ownerReferences: [
      {
        apiVersion: 'triggers.tekton.dev/v1beta1',
        kind: 'EventListener',
        name,
        uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}
