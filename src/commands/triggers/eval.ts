import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { command, CommandError, type Command } from '../command.ts';
import { text, texts, type Flag } from '../flags.ts';
import type { Style } from '../text/colour.ts';
import { alignColumns } from '../text/columns.ts';
import { table } from '../text/sections.ts';
import { yamlText } from '../yaml.ts';
import type { EvaluatedTrigger, Evaluation } from './evaluate.ts';
import type { InterceptorStep, ManifestObject } from './local-interceptors.ts';

/** A header may hold commas. */
const header: Flag<string[]> = {
  short: 'H',
  help: "A header of the event as 'Name: value'; may be given several times",
  kind: 'strings',
  initial: [],
  read: (given, before) => [...before, given],
};

const outputs = ['', 'json', 'yaml'];

/** `trigger eval`: what a listener would do with an event, without a cluster. */
export const evalCommand: Command = command({
  names: ['eval'],
  summary: 'Shows what an EventListener would do with an event, without a cluster',
  usage: '[EVENTLISTENER]',
  examples: `What a push starts, with the objects of listener.yaml:

    tektite trigger eval -f listener.yaml --event push.json -H 'X-GitHub-Event: push'

Secrets among the objects are checked against the event's signature; without them it is said that nothing was checked.
The exit status is 1 when the event is refused or a trigger fails.`,
  arguments: { least: 0, most: 1 },
  needsCluster: false,
  flags: {
    filename: texts('Files with the EventListener and what it refers to', { short: 'f' }),
    event: text("The event's body: a file"),
    header,
    url: text('The path that the event is sent to, as the requestURL of CEL', { initial: '/' }),
    output: text('Output format. One of: json|yaml', { short: 'o' }),
  },
  async run({ terminal, namespace, style }, flags, [name]) {
    if (flags.filename.length === 0) throw new CommandError('-f is missing: give the file with the EventListener');
    if (flags.event === '') throw new CommandError("--event is missing: give the file with the event's body");
    if (!outputs.includes(flags.output))
      throw new CommandError(`--output is ${JSON.stringify(flags.output)}; give json or yaml`);
    // Loaded by those who ask for it.
    const { evaluate } = await import('./evaluate.ts');
    const objects = (await Promise.all(flags.filename.map(objectsOf))).flat();
    const event = { body: read(flags.event), headers: headersOf(flags.header), url: flags.url };
    const evaluation = await evaluate(objects, event, { namespace: namespace || 'default', name });
    terminal.out(await printed(evaluation, flags.output, style));
    return evaluation.status === 202 && evaluation.triggers.every(({ outcome }) => outcome !== 'failed') ? 0 : 1;
  },
});

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${messageOf(error)}`);
  }
}

async function objectsOf(file: string): Promise<ManifestObject[]> {
  const { readManifests } = await import('../validate/manifest.ts');
  const { manifests, problems } = readManifests(file, read(file).toString());
  const [problem] = problems;
  if (problem) throw new CommandError(`${file}:${problem.position.line}: ${problem.message}`);
  return manifests.map((manifest) => {
    const { object } = manifest;
    const { metadata, kind } = object;
    if (typeof metadata === 'object' && metadata !== null && typeof kind === 'string')
      return { ...object, metadata, kind };
    throw new CommandError(`${file}:${manifest.positionOf('').line}: this is no object with kind and metadata`);
  });
}

/** JSON unless said otherwise, as senders do. @throws CommandError for what is no header. */
function headersOf(given: readonly string[]): Record<string, string> {
  const pairs = given.map((line) => {
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/s.exec(line) ?? [];
    if (name === '') throw new CommandError(`--header is ${JSON.stringify(line)}; give it as 'Name: value'`);
    return [name.toLowerCase(), value] as const;
  });
  return { 'content-type': 'application/json', ...Object.fromEntries(pairs) };
}

async function printed(evaluation: Evaluation, output: string, style: Style): Promise<string> {
  if (output === 'json') return `${JSON.stringify(evaluation, undefined, 2)}\n`;
  if (output === 'yaml') return yamlText(evaluation);
  if (evaluation.problem !== undefined) return `The event is refused (${evaluation.status}): ${evaluation.problem}\n`;
  if (evaluation.triggers.length === 0) return 'The EventListener has no trigger for this event\n';
  const parts = await Promise.all(evaluation.triggers.map((trigger) => triggerText(trigger, style)));
  return parts.join('\n');
}

async function triggerText(trigger: EvaluatedTrigger, style: Style): Promise<string> {
  const { message, outcome, resources } = trigger;
  const lines = [
    `${style.bold('Trigger')}:\t${trigger.namespace}/${trigger.trigger}`,
    `${style.bold('Outcome')}:\t${outcome}${message ? `: ${message}` : ''}`,
    ...table(
      { kind: 'steps', title: 'Interceptors', columns: ' NAME\tGOES ON\tWHY' },
      trigger.interceptors.flatMap(stepLines),
      style,
    ),
    ...table(
      { kind: 'params', title: 'Params', columns: ' NAME\tVALUE' },
      trigger.params.map(({ name, text: value }) => ` ${name}\t${JSON.stringify(value)}`),
      style,
    ),
    ...(resources.length > 0 ? ['', style.heading('resources', 'Resources'), ''] : []),
    '',
  ];
  const objects = await Promise.all(resources.map(yamlText));
  return alignColumns(lines.join('\n')) + objects.map((object) => `---\n${object}`).join('');
}

function stepLines({ name, goesOn, message = '', notes, expressions, extensions }: InterceptorStep): string[] {
  const inner = [
    ...notes.map((note) => `note: ${note}`),
    ...expressions.map(
      ({ key, expression, value }) =>
        `${key}: ${expression}${value === undefined ? '' : ` => ${JSON.stringify(value)}`}`,
    ),
    ...(Object.keys(extensions).length > 0 ? [`extensions: ${JSON.stringify(extensions)}`] : []),
  ];
  // No tab: these lines are as wide as they are.
  return [` ${name}\t${goesOn ? 'yes' : 'no'}\t${message}`, ...inner.map((line) => `   ${line.replaceAll('\t', ' ')}`)];
}
