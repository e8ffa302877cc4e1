import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { isWindowsScript } from '../pod/scripts.ts';
import type { Settings } from '../settings.ts';
import { reasons } from './reasons.ts';

/**
 * What a run asks for that this version does not do. It fails and says so: a field that is passed over in silence would
 * give a run that looks like a success and is none.
 */
export function unsupported(
  taskRun: TaskRun,
  _taskName: string,
  spec: TaskSpec,
  settings: Settings,
): { reason: string; message: string } | undefined {
  const found = [
    ...unsupportedInRun(taskRun, settings),
    ...unsupportedInSteps(spec, settings.flags.enableCelInWhenExpression),
  ][0];
  return (
    found && {
      reason: reasons.validationFailed,
      message: `${found.field}: ${found.what} is not supported yet; ${found.instead}`,
    }
  );
}

interface Unsupported {
  field: string;
  what: string;
  instead: string;
}

function unsupportedInRun(taskRun: TaskRun, settings: Settings): Unsupported[] {
  const found: Unsupported[] = [];
  const mode = taskRun.metadata.annotations?.['experimental.tekton.dev/execution-mode'];
  if (mode === 'hermetic' && settings.flags.enableApiFields !== 'alpha') {
    found.push({
      field: 'metadata.annotations["experimental.tekton.dev/execution-mode"]',
      what: 'hermetic execution without alpha features',
      instead: 'set enable-api-fields to "alpha" in ConfigMap feature-flags or remove the annotation',
    });
  }
  return found;
}

function unsupportedInSteps(spec: TaskSpec, cel: boolean): Unsupported[] {
  const steps = (spec.steps ?? []).flatMap((step, index): Unsupported[] => {
    const field = `steps[${index}]`;
    if (!cel && step.when?.some((expression) => expression.cel)) {
      return [
        {
          field: `${field}.when`,
          what: 'a CEL expression without its feature flag',
          instead:
            'set enable-cel-in-whenexpression to "true" in ConfigMap feature-flags, or use input, operator and values',
        },
      ];
    }
    return isWindowsScript(step.script)
      ? [{ field: `${field}.script`, what: 'a Windows script (#!win)', instead: 'use a Linux image and interpreter' }]
      : [];
  });
  const sidecars = (spec.sidecars ?? []).flatMap((sidecar, index): Unsupported[] =>
    isWindowsScript(sidecar.script)
      ? [
          {
            field: `sidecars[${index}].script`,
            what: 'a Windows script (#!win)',
            instead: 'use a Linux image and interpreter',
          },
        ]
      : [],
  );
  return [...steps, ...sidecars];
}
