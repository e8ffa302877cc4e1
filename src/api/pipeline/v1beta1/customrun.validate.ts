import {
  each,
  invalidValue,
  missingField,
  missingOneOf,
  multipleOneOf,
  via,
  type FieldError,
} from '../../fielderror.ts';
import { validateParams } from '../v1/params.validate.ts';
import { changedSpec } from '../v1/runspecs.validate.ts';
import { isDone } from '../v1/taskrun.validate.ts';
import { repeated, validateObjectName } from '../v1/validation.ts';
import { validateWorkspaceBinding } from '../v1/workspace.validate.ts';
import type { CustomRun, CustomRunSpec } from './customrun.ts';

/** A CustomRun, with upstream's texts (pkg/apis/pipeline/v1beta1/customrun_validation.go), but all errors. */
export function validateCustomRun(run: CustomRun): FieldError[] {
  if (Object.keys(run.spec).length === 0) return [...validateObjectName(run.metadata), ...missingField('spec')];
  return [...validateObjectName(run.metadata), ...via('spec', validateSpec(run.spec))];
}

function validateSpec(spec: CustomRunSpec): FieldError[] {
  const { customRef, customSpec, status, statusMessage } = spec;
  return [
    ...(customRef && customSpec ? multipleOneOf('customRef', 'customSpec') : []),
    ...(!customRef && !customSpec ? missingOneOf('customRef', 'customSpec') : []),
    ...(['customRef', 'customSpec'] as const).flatMap((field) => {
      const task = spec[field];
      if (!task) return [];
      const missing = (['apiVersion', 'kind'] as const).filter((name) => !task[name]);
      return missing.flatMap((name) => missingField(`${field}.${name}`));
    }),
    ...(!status && statusMessage
      ? invalidValue(
          `statusMessage should not be set if status is not set, but it is currently set to ${statusMessage}`,
          'statusMessage',
        )
      : []),
    ...validateParams(spec.params),
    ...each('workspaces', spec.workspaces, validateWorkspaceBinding),
    ...repeated(spec.workspaces, ({ name }) => name.toLowerCase()).flatMap(({ index }) =>
      multipleOneOf(`workspaces[${index}].name`),
    ),
  ];
}

/** As of the other runs: a run that has begun can be cancelled, and nothing else. */
export function validateCustomRunUpdate(before: CustomRun, after: CustomRun): FieldError[] {
  const done = isDone(before.status);
  const fixed = ({ status, statusMessage, ...spec }: CustomRunSpec) =>
    done ? { ...spec, status, statusMessage } : spec;
  const message = done
    ? 'Once the CustomRun is complete, no updates are allowed'
    : 'Once the CustomRun has started, only status and statusMessage updates are allowed';
  return changedSpec(fixed(before.spec), fixed(after.spec), message);
}
