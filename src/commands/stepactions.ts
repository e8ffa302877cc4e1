import type { StepAction } from '../api/pipeline/v1beta1/stepaction.ts';
import { stepActions } from '../api/resources.ts';
import { command, namesInTurn } from './command.ts';
import type { Command } from './command.ts';
import { descriptionTable, listDefinitions, paramTable, shortened } from './definitions.ts';
import { outputFlags, printerOf } from './output.ts';
import { age } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { header, section } from './text/sections.ts';

// tkn has no commands for StepActions: these are like its commands for Tasks.

export const listStepActions: Command = listDefinitions<StepAction>(
  stepActions,
  ['DESCRIPTION', 'AGE'],
  (context, found) => {
    const now = context.environment.clock.now();
    return Promise.resolve(
      found.map(({ metadata, spec }) => [shortened(spec.description), age(metadata.creationTimestamp, now)]),
    );
  },
);

export const describeStepAction: Command = command({
  names: ['describe', 'desc'],
  summary: 'Describes a StepAction in a namespace',
  usage: 'NAME',
  examples: "Describe a StepAction of name 'foo' in namespace 'bar':\n\n    tektite stepaction describe foo -n bar",
  arguments: { least: 1, most: Infinity },
  offers: namesInTurn(stepActions),
  flags: outputFlags,
  async run({ cluster, namespace, signal, style, terminal }, flags, [name = '']) {
    const printer = printerOf(flags, stepActions);
    const found = await cluster.get(stepActions, namespace, name, { signal });
    terminal.out(printer ? await printer(found) : stepActionText(found, style));
    return 0;
  },
});

function stepActionText({ metadata, spec }: StepAction, style: Style): string {
  const script = (spec.script ?? '').replace(/\n+$/, '').split('\n');
  return alignColumns(
    [
      ...header(
        { name: metadata.name, namespace: metadata.namespace },
        [
          ['Description', spec.description],
          ['Image', spec.image],
          ['Command', [...(spec.command ?? []), ...(spec.args ?? [])].join(' ')],
          ['Working Dir', spec.workingDir],
        ],
        style,
      ),
      ...paramTable(spec.params, style),
      ...descriptionTable('results', 'Results', spec.results, style),
      ...section('steps', 'Script', spec.script ? script.map((line) => ` ${line}`) : [], style),
      '',
    ].join('\n'),
  );
}
