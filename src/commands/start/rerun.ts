import { pipelineRuns } from '../../api/resources.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone, isFailed } from '../../core/condition.ts';
import { annotations } from '../../core/labels.ts';
import { command, CommandError, namesInTurn } from '../command.ts';
import type { Command } from '../command.ts';
import { text, toggle } from '../flags.ts';
import { pipelineRunKind } from '../kinds.ts';
import { showPipelineRun } from '../logs/command.ts';
import { createRun, readOutput } from './request.ts';
import { pipelineRunOf } from './run.ts';

/** A new run of the same spec, without labels; from a failure with what succeeded there (config/docs/rerun.md). */
export const rerunPipelineRun: Command = command({
  names: ['rerun'],
  summary: 'Start a new PipelineRun with the spec of an earlier one',
  usage: 'NAME',
  examples: [
    "Run 'foo' once more and follow it:\n\n    tektite pipelinerun rerun foo --showlog",
    "Do only what failed in 'foo', and what comes after it:\n\n    tektite pipelinerun rerun foo --from-failure",
  ].join('\n\n'),
  arguments: { least: 1, most: 1 },
  offers: namesInTurn(pipelineRuns),
  flags: {
    'from-failure': toggle('take over what succeeded in the earlier PipelineRun, and run the rest'),
    'dry-run': toggle('preview the PipelineRun without running it'),
    output: text('format of PipelineRun (yaml, json or name)', { short: 'o' }),
    'prefix-name': text('specify a prefix for the PipelineRun name'),
    showlog: toggle('show logs right after starting the PipelineRun'),
  },
  async run(context, flags, [name = '']) {
    const output = readOutput(flags);
    const { cluster, namespace, signal } = context;
    const earlier = await cluster.get(pipelineRuns, namespace, name, { signal });
    if (flags['from-failure']) checkFailed(earlier);
    const run = pipelineRunOf({ kind: 'Pipeline', name, spec: {} }, 'cluster', earlier, {
      namespace,
      prefixName: flags['prefix-name'],
      labels: {},
      params: [],
      workspaces: [],
      serviceAccount: '',
      podTemplate: undefined,
      timeouts: {},
      taskServiceAccounts: {},
    });
    if (flags['from-failure']) run.metadata.annotations = { [annotations.rerunFromFailure]: name };
    const created = await createRun(context, pipelineRunKind, run, {
      ...output,
      dryRun: flags['dry-run'],
      showlog: flags.showlog,
    });
    if (created && flags.showlog) return showPipelineRun(context, created, { exitWithError: false });
    return 0;
  },
});

/** @throws CommandError for a run that did not fail */
function checkFailed({ metadata: { name }, status }: PipelineRun): void {
  if (!isDone(status)) throw new CommandError(`PipelineRun ${name} has not ended: wait for it, or cancel it`);
  if (!isFailed(status))
    throw new CommandError(`PipelineRun ${name} did not fail: run it again without --from-failure`);
}
