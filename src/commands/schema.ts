import { closest } from 'fastest-levenshtein';
import type { FoundKind } from '../api/kinds.ts';
import { command, CommandError, type Command } from './command.ts';

/** The form of manifests for editors: completion, help and errors while one writes. */
export const schemaCommand: Command = command({
  names: ['schema'],
  summary: 'Print the JSON Schema of manifests, for editors',
  usage: '[KIND]',
  examples: [
    'One schema for all kinds, to be named in the first line of a manifest:\n\n    tektite schema > tekton.schema.json\n    # yaml-language-server: $schema=tekton.schema.json',
    'Of one kind, in all its versions:\n\n    tektite schema Pipeline',
  ].join('\n\n'),
  flags: {},
  arguments: { least: 0, most: 1 },
  needsCluster: false,
  async run({ terminal }, _flags, [name]) {
    const [{ kinds }, { kindSchema, manifestSchema }] = await Promise.all([
      import('../api/kinds.ts'),
      import('../api/json-schema.ts'),
    ]);
    const every = kinds.flatMap((kind) => kind.versions.map((version) => ({ kind, version })));
    const schema = name === undefined ? manifestSchema(every) : kindSchema(versionsOf(every, name));
    terminal.out(`${JSON.stringify(schema, undefined, 2)}\n`);
    return 0;
  },
});

/** By any of the names that kubectl takes. @throws CommandError */
function versionsOf(every: readonly FoundKind[], name: string): FoundKind[] {
  const wanted = name.toLowerCase();
  const found = every.filter(({ kind }) =>
    [kind.singular, kind.plural, `${kind.plural}.${kind.group}`, ...kind.shortNames].includes(wanted),
  );
  if (found.length > 0) return found;
  const names = [...new Set(every.map(({ kind }) => kind.kind))];
  const meant = name.length <= 64 ? ` did you mean ${closest(name, names)}?` : '';
  throw new CommandError(
    `there is no kind ${JSON.stringify(name.slice(0, 64))};${meant} The kinds are ${names.join(', ')}`,
  );
}
