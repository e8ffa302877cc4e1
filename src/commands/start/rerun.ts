import { pipelineRuns } from '../../api/resources.ts';
import { command, namesInTurn } from '../command.ts';
import type { Command } from '../command.ts';
import { text, toggle } from '../flags.ts';
import { pipelineRunKind } from '../kinds.ts';
import { showPipelineRun } from '../logs/command.ts';
import { createRun, readOutput } from './request.ts';
import { pipelineRunOf } from './run.ts';

/** A new run of the same spec: it inherits no results and no labels. */
export const rerunPipelineRun: Command = command({
  names: ['rerun'],
  summary: 'Start a new PipelineRun with the spec of an earlier one',
  usage: 'NAME',
  examples: "Run 'foo' once more and follow it:\n\n    tektite pipelinerun rerun foo --showlog",
  arguments: { least: 1, most: 1 },
  offers: namesInTurn(pipelineRuns),
  flags: {
    'dry-run': toggle('preview the PipelineRun without running it'),
    output: text('format of PipelineRun (yaml, json or name)', { short: 'o' }),
    'prefix-name': text('specify a prefix for the PipelineRun name'),
    showlog: toggle('show logs right after starting the PipelineRun'),
  },
  async run(context, flags, [name = '']) {
    const output = readOutput(flags);
    const { cluster, namespace, signal } = context;
    const earlier = await cluster.get(pipelineRuns, namespace, name, { signal });
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
    const created = await createRun(context, pipelineRunKind, run, {
      ...output,
      dryRun: flags['dry-run'],
      showlog: flags.showlog,
    });
    if (created && flags.showlog) return showPipelineRun(context, created, { exitWithError: false });
    return 0;
  },
});
