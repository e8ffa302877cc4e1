import { fieldError, missingField, missingOneOf, multipleOneOf, type FieldError } from '../../fielderror.ts';
import type { WorkspaceBinding } from './workspace.ts';

const SOURCES = ['persistentVolumeClaim', 'volumeClaimTemplate', 'emptyDir', 'configMap', 'secret', 'projected', 'csi'] as const;
/** Upstream prints these, in lower case and without the two youngest. */
const PRINTED = ['persistentvolumeclaim', 'volumeclaimtemplate', 'emptydir', 'configmap', 'secret'];

/** A binding names exactly one source, and that source names what it is. Paths are relative to the binding. */
export function validateWorkspaceBinding(binding: WorkspaceBinding): FieldError[] {
  const sources = SOURCES.filter((source) => binding[source] !== undefined && binding[source] !== null);
  if (sources.length === 0 && !binding.name) return missingField('');
  if (sources.length > 1) return multipleOneOf(...PRINTED);
  const { persistentVolumeClaim, configMap, secret, projected, csi } = binding;
  switch (sources[0]) {
    case undefined:
      return missingOneOf(...PRINTED);
    case 'persistentVolumeClaim':
      return persistentVolumeClaim?.claimName ? [] : missingField('persistentvolumeclaim.claimname');
    case 'configMap':
      return configMap?.name ? [] : missingField('configmap.name');
    case 'secret':
      return secret?.secretName ? [] : missingField('secret.secretName');
    case 'projected':
      return (projected?.sources ?? []).length > 0 ? [] : missingField('projected.sources');
    case 'csi':
      return csi?.driver ? [] : missingField('csi.driver');
    case 'emptyDir':
    case 'volumeClaimTemplate':
      return [];
    default: {
      const never: never = sources[0];
      return never;
    }
  }
}

/** A workspace that a PipelineRun binds twice. The text is one that users' scripts look for. */
export function validateRepeatedBindings(bindings: readonly WorkspaceBinding[]): FieldError[] {
  const seen = new Map<string, number>();
  return bindings.flatMap(({ name }, index) => {
    const previous = seen.get(name);
    seen.set(name, index);
    if (previous === undefined) return [];
    return fieldError(`workspace ${JSON.stringify(name)} provided by pipelinerun more than once, at index ${previous} and ${index}`, `workspaces[${index}].name`);
  });
}
