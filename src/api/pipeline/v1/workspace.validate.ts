import { fieldError, missingField, missingOneOf, multipleOneOf, type FieldError } from '../../fielderror.ts';
import type { WorkspaceBinding } from './workspace.ts';

type Source =
  'persistentVolumeClaim' | 'volumeClaimTemplate' | 'emptyDir' | 'configMap' | 'secret' | 'projected' | 'csi';

/** For each source, the field without which it means nothing, and whether the binding has it. */
const SOURCES: Readonly<Record<Source, { field: string; isSet: (binding: WorkspaceBinding) => boolean } | undefined>> =
  {
    persistentVolumeClaim: {
      field: 'persistentvolumeclaim.claimname',
      isSet: (binding) => Boolean(binding.persistentVolumeClaim?.claimName),
    },
    configMap: { field: 'configmap.name', isSet: (binding) => Boolean(binding.configMap?.name) },
    secret: { field: 'secret.secretName', isSet: (binding) => Boolean(binding.secret?.secretName) },
    projected: { field: 'projected.sources', isSet: (binding) => (binding.projected?.sources ?? []).length > 0 },
    csi: { field: 'csi.driver', isSet: (binding) => Boolean(binding.csi?.driver) },
    emptyDir: undefined,
    volumeClaimTemplate: undefined,
  };
/** Upstream prints these, in lower case and without the two youngest. */
const PRINTED = ['persistentvolumeclaim', 'volumeclaimtemplate', 'emptydir', 'configmap', 'secret'];

/** A binding names exactly one source, and that source names what it is. Paths are relative to the binding. */
export function validateWorkspaceBinding(binding: WorkspaceBinding): FieldError[] {
  const [source, second] = (Object.keys(SOURCES) as Source[]).filter(
    (name) => binding[name] !== undefined && binding[name] !== null,
  );
  if (source === undefined) return binding.name ? missingOneOf(...PRINTED) : missingField('');
  if (second !== undefined) return multipleOneOf(...PRINTED);
  const needed = SOURCES[source];
  return needed === undefined || needed.isSet(binding) ? [] : missingField(needed.field);
}

/** A workspace that a PipelineRun binds twice. The text is one that users' scripts look for. */
export function validateRepeatedBindings(bindings: readonly WorkspaceBinding[]): FieldError[] {
  const seen = new Map<string, number>();
  return bindings.flatMap(({ name }, index) => {
    const previous = seen.get(name);
    seen.set(name, index);
    if (previous === undefined) return [];
    return fieldError(
      `workspace ${JSON.stringify(name)} provided by pipelinerun more than once, at index ${previous} and ${index}`,
      `workspaces[${index}].name`,
    );
  });
}
