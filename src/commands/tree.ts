import { pipelineRuns, pipelines, stepActions, taskRuns, tasks } from '../api/resources.ts';
import { listBundle } from './bundle/list.ts';
import { pushBundle } from './bundle/push.ts';
import { cancelPipelineRun, cancelTaskRun } from './cancel.ts';
import { command } from './command.ts';
import type { Command, CommandGroup, CommandTree } from './command.ts';
import { completeCommand, completionCommand } from './completion/command.ts';
import { customRunGroup } from './customruns.ts';
import { describePipeline, describeTask, listPipelines, listTasks } from './definitions.ts';
import { deleteCommand } from './delete.ts';
import { deleteObjectsCommand } from './delete-objects.ts';
import type { DeletableKind } from './delete-objects.ts';
import { describeCommand } from './describe.ts';
import { describePipelineRun } from './describe-pipelinerun.ts';
import { describeTaskRun } from './describe-taskrun.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { hubGroup } from './hub/commands.ts';
import { pipelineRunKind, taskRunKind } from './kinds.ts';
import { listCommand } from './list.ts';
import { pipelineRunLogs, taskRunLogs } from './logs/command.ts';
import { pipelineLogs, taskLogs } from './logs/definition.ts';
import { pinCommand, resolveCommand } from './remote/commands.ts';
import { signCommand, verifyCommand } from './remote/sign.ts';
import { pruneCommand } from './prune.ts';
import { releaseRuns } from './release.ts';
import { sentenceOfPipelineRun, sentenceOfTaskRun } from './run-sentence.ts';
import { rerunPipelineRun } from './start/rerun.ts';
import { describeStepAction, listStepActions } from './stepactions.ts';
import { schemaCommand } from './schema.ts';
import { startPipeline, startTask } from './start/command.ts';
import { triggersGroups } from './triggers/groups.ts';
import { validateCommand } from './validate/command.ts';
import { versionCommand } from './version.ts';
import { waitCommand } from './wait.ts';

const deletablePipeline: DeletableKind = {
  resource: pipelines,
  title: 'Pipeline',
  word: 'Pipeline',
  runs: { flag: 'prs', kind: pipelineRunKind },
};
const deletableTask: DeletableKind = {
  resource: tasks,
  title: 'Task',
  word: 'Task',
  runs: { flag: 'trs', kind: taskRunKind },
};

const groups: readonly CommandGroup[] = [
  {
    names: ['pipeline', 'p', 'pipelines'],
    summary: 'Start, inspect and sign Pipelines',
    commands: [
      deleteObjectsCommand(deletablePipeline),
      describePipeline,
      exportCommand(pipelines),
      listPipelines,
      pipelineLogs,
      startPipeline,
      signCommand('Pipeline'),
      verifyCommand('Pipeline'),
    ],
  },
  {
    names: ['pipelinerun', 'pr', 'pipelineruns'],
    summary: 'Manage PipelineRuns',
    commands: [
      cancelPipelineRun,
      deleteCommand(pipelineRunKind),
      describeCommand(pipelineRunKind, { whole: describePipelineRun, sentence: sentenceOfPipelineRun }),
      exportCommand(pipelineRuns),
      listCommand(pipelineRunKind),
      pipelineRunLogs,
      rerunPipelineRun,
      waitCommand(pipelineRunKind),
    ],
  },
  {
    names: ['taskrun', 'tr', 'taskruns'],
    summary: 'Manage TaskRuns',
    commands: [
      cancelTaskRun,
      deleteCommand(taskRunKind),
      describeCommand(taskRunKind, { whole: describeTaskRun, sentence: sentenceOfTaskRun }),
      exportCommand(taskRuns),
      listCommand(taskRunKind),
      taskRunLogs,
      waitCommand(taskRunKind),
    ],
  },
  {
    names: ['task', 't', 'tasks'],
    summary: 'Start, inspect and sign Tasks',
    commands: [
      deleteObjectsCommand(deletableTask),
      describeTask,
      exportCommand(tasks),
      listTasks,
      taskLogs,
      startTask,
      signCommand('Task'),
      verifyCommand('Task'),
    ],
  },
  {
    names: ['stepaction', 'stepactions'],
    summary: 'Manage StepActions',
    commands: [
      deleteObjectsCommand({ resource: stepActions, title: 'StepAction', word: 'StepAction' }),
      describeStepAction,
      exportCommand(stepActions),
      listStepActions,
    ],
  },
  customRunGroup,
  { names: ['bundle', 'tkb', 'bundles'], summary: 'Manage Tekton Bundles', commands: [listBundle, pushBundle] },
  hubGroup,
  ...triggersGroups,
  { names: ['chains'], summary: 'Let go of runs that Chains holds', commands: [releaseRuns] },
];

const helpCommand: Command = command({
  names: ['help'],
  summary: 'Help about any command',
  usage: '[COMMAND...]',
  examples: '',
  flags: {},
  needsCluster: false,
  arguments: { least: 0, most: 2 },
  // Answered before any command runs.
  run: () => Promise.resolve(0),
});
const single: readonly Command[] = [
  validateCommand,
  schemaCommand,
  pinCommand,
  resolveCommand,
  pruneCommand,
  doctorCommand,
  versionCommand,
  completionCommand,
  completeCommand(() => tree),
  helpCommand,
];

export const tree: CommandTree = { groups, single };
