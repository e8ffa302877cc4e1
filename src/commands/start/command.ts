import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { serviceAccounts } from '../../kube/resources.ts';
import { remoteFlags, type RemoteFlags } from '../bundle/registry-flags.ts';
import { command, CommandError, namesInTurn } from '../command.ts';
import type { Command, Context } from '../command.ts';
import { eachText, text, texts, toggle } from '../flags.ts';
import { pipelineRunKind, taskRunKind } from '../kinds.ts';
import { showPipelineRun, showTaskRun } from '../logs/command.ts';
import type { Definition } from './definition.ts';
import { earlierRun, getDefinition, lastResolved, RESOLVER_TYPES } from './earlier.ts';
import { definitionIn, definitionInBundle } from './files.ts';
import { checkRequest, createRun, readOutput, readWishes } from './request.ts';
import { pairsOf, pipelineRunOf, taskRunOf, timeoutOf } from './run.ts';

function startFlags(kind: string) {
  return {
    showlog: toggle(`show logs right after starting the ${kind}`),
    param: eachText(
      'pass the param as key=value for string type, or key=value1,value2,... for array type, or key="key1:value1, key2:value2" for object type',
      { short: 'p' },
    ),
    serviceaccount: text('pass the serviceaccount name', { short: 's', offer: { objects: serviceAccounts } }),
    last: toggle(`re-run the ${kind} using last ${kind}Run values`, { short: 'L' }),
    labels: texts('pass labels as label=value.', { short: 'l' }),
    workspace: eachText('pass one or more workspaces to map to the corresponding physical volumes', { short: 'w' }),
    'dry-run': toggle(`preview ${kind}Run without running it`),
    output: text(`format of ${kind}Run (yaml, json or name)`, {
      short: 'o',
      offer: { words: ['json', 'name', 'yaml'] },
    }),
    'prefix-name': text(`specify a prefix for the ${kind}Run name (must be lowercase alphanumeric characters)`),
    filename: text(`local or remote file name containing a ${kind} definition to start a ${kind}Run`, {
      short: 'f',
      offer: { files: true },
    }),
    'use-param-defaults': toggle('use default parameter values without prompting for input'),
    'pod-template': text('local or remote file containing a PodTemplate definition', { offer: { files: true } }),
    'skip-optional-workspace': toggle('skips the prompt for optional workspaces'),
  };
}

function examples(group: string): string {
  return [
    'Params by type, and a claim as a workspace:',
    '',
    `    tektite ${group} start foo -p name=text -p list=one,two -p object="key:value, other:value" -w name=src,claimName=pvc`,
    '',
    'Other workspaces:',
    '',
    '    -w name=tmp,emptyDir=  -w name=conf,config=map,item=key=path  -w name=key,secret=name',
    '    -w name=data,volumeClaimTemplateFile=claim.yaml  -w name=csi,csiFile=csi.yaml',
    '',
    'Once more as the last time, with one param changed:',
    '',
    `    tektite ${group} start foo --last -p name=other`,
  ].join('\n');
}

export const startPipeline: Command = command({
  names: ['start'],
  summary: 'Start Pipelines',
  usage: '[NAME]',
  examples: examples('pipeline'),
  offers: namesInTurn(pipelines),
  flags: {
    ...startFlags('Pipeline'),
    'use-pipelinerun': text('use this pipelinerun values to re-run the pipeline.', {
      offer: { objects: pipelineRunKind.resource },
    }),
    timeout: text('timeout for PipelineRun (old: use --pipeline-timeout)'),
    'pipeline-timeout': text('timeout for PipelineRun'),
    'tasks-timeout': text('timeout for Pipeline TaskRuns'),
    'finally-timeout': text('timeout for Finally TaskRuns'),
    'task-serviceaccount': texts('pass the service account corresponding to the task'),
    resolvertype: text(`resolver type for remote pipelines (${RESOLVER_TYPES.join(', ')})`, {
      offer: { words: RESOLVER_TYPES },
    }),
    'exit-with-pipelinerun-error': toggle(
      'when using --showlog, exit with pipelinerun to the unix shell, 0 if success, 1 if error, 2 on unknown status',
      { short: 'E' },
    ),
  },
  async run(context, flags, [name]) {
    const earlierName = flags['use-pipelinerun'];
    checkRequest(flags, { flag: 'use-pipelinerun', name: earlierName });
    const output = readOutput(flags);
    const timeouts = timeoutsOf(flags);
    const accounts = pairsOf(flags['task-serviceaccount'], 'invalid service account parameter: ');
    const { definition, earlier, reference } = await pipelineToStart(context, { ...flags, name, earlierName });
    const wishes = await readWishes(context, flags, definition, earlier);
    const built = pipelineRunOf(definition, flags.filename ? 'file' : 'cluster', earlier, {
      ...wishes,
      timeouts,
      taskServiceAccounts: accounts,
    });
    const run = reference ? { ...built, spec: { ...built.spec, pipelineRef: reference } } : built;
    const created = await createRun(context, pipelineRunKind, run, {
      ...output,
      dryRun: flags['dry-run'],
      showlog: flags.showlog,
    });
    if (!created || !flags.showlog) return 0;
    return showPipelineRun(context, created, { exitWithError: flags['exit-with-pipelinerun-error'] });
  },
});

type PipelineReference = NonNullable<PipelineRun['spec']['pipelineRef']>;
interface PipelineToStart {
  definition: Definition & { kind: 'Pipeline' };
  earlier?: PipelineRun | undefined;
  /** In place of a reference by name. */
  reference?: PipelineReference;
}

async function pipelineToStart(
  context: Context,
  choice: { name: string | undefined; earlierName: string; last: boolean; filename: string; resolvertype: string },
): Promise<PipelineToStart> {
  const { name, resolvertype } = choice;
  if (resolvertype) {
    const resolved = await lastResolved(context, choice);
    if (resolved) return resolved;
    if (!name) throw new CommandError('pipeline name is required when using --resolvertype flag');
    const definition = await getDefinition(context, pipelines, 'Pipeline', name);
    const resolver = resolvertype === 'bundle' ? 'bundles' : resolvertype;
    return { definition, reference: { resolver, params: [{ name: 'name', value: name }] } };
  }
  if (!name && !choice.filename) throw new CommandError('missing Pipeline name: give it, or a file with --filename');
  const definition = choice.filename
    ? await definitionIn(context, choice.filename, 'Pipeline')
    : await getDefinition(context, pipelines, 'Pipeline', name ?? '');
  if (definition.kind !== 'Pipeline') throw new CommandError(`${definition.name} is a ${definition.kind}`);
  return { definition, earlier: await earlierRun(context, pipelineRunKind, definition.name, choice) };
}

function timeoutsOf(flags: Record<'timeout' | 'pipeline-timeout' | 'tasks-timeout' | 'finally-timeout', string>) {
  const pipeline = timeoutOf('pipeline-timeout', flags['pipeline-timeout']) ?? timeoutOf('timeout', flags.timeout);
  const ofTasks = timeoutOf('tasks-timeout', flags['tasks-timeout']);
  const ofFinally = timeoutOf('finally-timeout', flags['finally-timeout']);
  return {
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(ofTasks === undefined ? {} : { tasks: ofTasks }),
    ...(ofFinally === undefined ? {} : { finally: ofFinally }),
  };
}

export const startTask: Command = command({
  names: ['start'],
  summary: 'Start Tasks',
  usage: '[NAME]',
  examples: examples('task'),
  offers: namesInTurn(tasks),
  flags: {
    ...startFlags('Task'),
    'use-taskrun': text('specify a TaskRun name to use its values to re-run the TaskRun', {
      offer: { objects: taskRunKind.resource },
    }),
    timeout: text('timeout for TaskRun'),
    image: text("use an oci bundle, with this machine's docker credentials or those of the flags --remote-*", {
      short: 'i',
    }),
    ...remoteFlags,
  },
  async run(context, flags, [name]) {
    const earlierName = flags['use-taskrun'];
    checkRequest(flags, { flag: 'use-taskrun', name: earlierName });
    const output = readOutput(flags);
    const timeout = timeoutOf('timeout', flags.timeout);
    const definition = await taskToStart(context, name, flags);
    const earlier = await earlierRun(context, taskRunKind, definition.name, { last: flags.last, earlierName });
    const wishes = await readWishes(context, flags, definition, earlier);
    const origin = flags.filename || flags.image ? 'file' : 'cluster';
    const run: TaskRun = taskRunOf(definition, origin, earlier, { ...wishes, timeout });
    const created = await createRun(context, taskRunKind, run, {
      ...output,
      dryRun: flags['dry-run'],
      showlog: flags.showlog,
    });
    if (created && flags.showlog) await showTaskRun(context, created);
    return 0;
  },
});

type TaskFlags = { filename: string; image: string; last: boolean } & RemoteFlags;

/** @throws CommandError when the flags do not say which one Task is meant. */
function checkTaskRequest(name: string | undefined, flags: TaskFlags): void {
  const { filename, image, last } = flags;
  if (image && !name) throw new CommandError('task name required with --image option');
  if (image && filename) throw new CommandError('cannot use --filename option with --image option');
  if (!filename && !name) throw new CommandError('either a Task name or a --filename argument must be supplied');
  if (image && last) throw new CommandError('cannot use --last option with --filename or --image option');
  if (!image) checkIdle(flags);
}

async function taskToStart(
  context: Context,
  name: string | undefined,
  flags: TaskFlags,
): Promise<Definition & { kind: 'Task' }> {
  checkTaskRequest(name, flags);
  const { filename, image } = flags;
  const definition = image
    ? await definitionInBundle(context, { image, name: name ?? '', kind: 'Task', flags })
    : filename
      ? await definitionIn(context, filename, 'Task')
      : await getDefinition(context, tasks, 'Task', name ?? '');
  if (definition.kind !== 'Task') throw new CommandError(`${definition.name} is a ${definition.kind}`);
  return definition;
}

/** @throws CommandError for a flag that would do nothing. */
function checkIdle(flags: RemoteFlags): void {
  const idle = Object.keys(remoteFlags).find((flag) => flags[flag as keyof RemoteFlags]);
  if (idle !== undefined) throw new CommandError(`--${idle} is for the registry of a bundle: give one with --image`);
}
