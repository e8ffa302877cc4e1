import {
  parseGlobalPruning,
  parseNamespacePruning,
  prunerMaps,
  type GlobalPruning,
  type NamespacePruning,
  type ReadLimits,
} from '../../api/config/pruner-limits.ts';

/** A ConfigMap, as far as it matters here. */
interface LabelledData {
  metadata: { labels?: Record<string, string> | undefined };
  data?: Record<string, string> | undefined;
}

/** The operator's map of limits, if it is labelled as one. */
export function readGlobalMap(map: LabelledData): ReadLimits<GlobalPruning> {
  const fault = labelFault(map, 'global');
  return fault === undefined ? parseGlobalPruning(map.data?.[prunerMaps.global.key]) : { problems: [fault] };
}

/** A namespace's own map, if it may have one. */
export function readNamespaceMap(
  map: LabelledData,
  namespace: string,
  global: GlobalPruning | undefined,
): ReadLimits<NamespacePruning> {
  const fault = labelFault(map, 'namespace') ?? namespaceFault(namespace);
  return fault === undefined
    ? parseNamespacePruning(map.data?.[prunerMaps.namespace.key], namespace, global)
    : { problems: [fault] };
}

const partOf = 'app.kubernetes.io/part-of';
const configType = 'pruner.tekton.dev/config-type';

/** Both labels are mandatory, as upstream: a map that lost them is not one of limits. */
function labelFault({ metadata: { labels = {} } }: LabelledData, type: 'global' | 'namespace'): string | undefined {
  if (labels[partOf] !== 'tekton-pruner') return `ConfigMap must have label ${partOf}=tekton-pruner`;
  return labels[configType] === type ? undefined : `ConfigMap must have label ${configType}=${type}`;
}

function namespaceFault(namespace: string): string | undefined {
  return /^(kube|openshift|tekton)-/.test(namespace)
    ? `namespace ${namespace} takes no limits of its own; write them under namespaces in ${prunerMaps.global.name}`
    : undefined;
}
