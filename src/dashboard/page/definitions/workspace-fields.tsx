import { useId, type ReactNode } from 'react';
import {
  hasFolders,
  workspaceFrom,
  workspaceSources,
  type WorkspaceInput,
  type WorkspaceSource,
} from '../../view/start-workspace.ts';
import type { WorkspaceField } from '../../view/start.ts';
import { Text } from '../parts/text.tsx';
import { More, TextInput } from './text-input.tsx';

interface WorkspaceFieldsProps {
  field: WorkspaceField;
  input: WorkspaceInput | undefined;
  problem?: string;
  onInput: (input: WorkspaceInput) => void;
}

const sources = Object.keys(workspaceSources) as WorkspaceSource[];
const nameLabels: Readonly<Partial<Record<WorkspaceSource, string>>> = {
  template: 'Storage class',
  claim: 'Name of the claim',
  configMap: 'Name of the ConfigMap',
  secret: 'Name of the Secret',
  projected: 'ConfigMaps and Secrets',
  csi: 'Name of the driver',
};
const nameHints: Readonly<Partial<Record<WorkspaceSource, string>>> = {
  template: "the cluster's own",
  projected: 'configmap/NAME, secret/NAME',
};

/** Where the files of one workspace are. */
export function WorkspaceFields({ field, input, problem, onInput }: WorkspaceFieldsProps): ReactNode {
  const id = useId();
  if (input === undefined) return null;
  const nameLabel = nameLabels[input.source];
  return (
    <fieldset className="form-field" aria-describedby={`${id}-more`}>
      <legend>
        Workspace <Text of={field.name} most={253} />
        {field.isOptional && <span className="muted"> optional</span>}
      </legend>
      <select
        id={id}
        aria-label={`Where the files of ${field.name} are`}
        value={input.source}
        onChange={({ target }) => onInput(workspaceFrom(target.value as WorkspaceSource))}
      >
        {sources
          .filter((source) => source !== 'none' || field.isOptional)
          .map((source) => (
            <option key={source} value={source}>
              {workspaceSources[source]}
            </option>
          ))}
      </select>
      {input.source === 'template' && (
        <TextInput label="Size" value={input.size} onValue={(size) => onInput({ ...input, size: size.trim() })} />
      )}
      {nameLabel !== undefined && (
        <TextInput
          label={nameLabel}
          hint={nameHints[input.source] ?? ''}
          value={input.name}
          onValue={(name) => onInput({ ...input, name: name.trim() })}
        />
      )}
      {input.source === 'csi' && (
        <TextInput
          label="Attributes of the volume"
          hint="key=value, key=value"
          value={input.attributes}
          onValue={(attributes) => onInput({ ...input, attributes })}
        />
      )}
      {hasFolders(input.source) && (
        <TextInput
          label="Folder of the volume"
          hint="all of it"
          value={input.subPath}
          onValue={(subPath) => onInput({ ...input, subPath: subPath.trim() })}
        />
      )}
      <More id={`${id}-more`} description={field.description} {...(problem !== undefined && { problem })} />
    </fieldset>
  );
}
