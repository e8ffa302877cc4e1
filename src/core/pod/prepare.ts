import type { Step } from '../../api/pipeline/v1/task.ts';
import { debugPrepareMount, debugScripts } from './debug.ts';
import { paths, prepareContainer, stepContainerName } from './names.ts';
import type { PodPlan } from './plan.ts';
import { scriptArguments } from './scripts.ts';
import { prepareSecurityContext } from './security.ts';
import type { Container } from './types.ts';
import { prepareMounts } from './volumes.ts';

/** The one init container: copies the entrypoint, writes scripts, makes working directories. */
export function prepare(plan: PodPlan): Container {
  const workingDirs = plan.steps.map((step) => step.workingDir ?? '').filter(isUnderWorkspace);
  const own = [...plan.stepScripts, ...plan.sidecarScripts].flatMap((entry) => (entry ? [entry.file] : []));
  const files = plan.breakpoints ? [...own, ...debugScripts] : own;
  return {
    name: prepareContainer,
    image: plan.input.settings.images.entrypoint,
    // The image's own working directory belongs to its user; this must work for every uid.
    workingDir: '/',
    command: [paths.entrypointInImage, 'init'],
    args: [
      ...(plan.steps.some(hasCEL) ? ['-cel'] : []),
      ...(plan.shape.signed ? ['-spire'] : []),
      ...files.flatMap(scriptArguments),
      ...workingDirs.flatMap((directory) => ['-working_dir', directory]),
      paths.entrypointInImage,
      paths.entrypoint,
      ...plan.steps.map((step, index) => stepContainerName(step.name, index)),
    ],
    volumeMounts: [
      ...prepareMounts(plan.shape, workingDirs.length > 0),
      ...(plan.breakpoints ? [debugPrepareMount] : []),
    ],
    securityContext: prepareSecurityContext(
      plan.input.settings.flags,
      plan.input.taskRun.spec.podTemplate?.securityContext,
    ),
  };
}

/** Whether the step needs the CEL evaluator beside its entrypoint: 12 MB that most pods do without. */
function hasCEL(step: Step): boolean {
  return (step.when ?? []).some(({ cel }) => cel !== undefined && cel !== '');
}

/** Relative working directories are meant beneath /workspace (docs/tasks.md). */
function isUnderWorkspace(directory: string): boolean {
  return directory !== '' && (!directory.startsWith('/') || directory.startsWith(`${paths.workspace}/`));
}
