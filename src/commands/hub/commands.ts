import { command, CommandError, type Command, type CommandGroup, type Context } from '../command.ts';
import { text, texts, whole, type FlagTable, type FlagValues } from '../flags.ts';
import { printable } from '../text/printable.ts';
import { hubKinds, type Hub, type HubKind, type Place } from './hub.ts';

/** Flags of all hub commands, as tkn's. */
const hubFlags = {
  'api-server': text(
    'Hub API server URL (default https://artifacthub.io; env ARTIFACT_HUB_API_SERVER, for type tekton TEKTON_HUB_API_SERVER; or $HOME/.tekton/hub-config)',
  ),
  type: text("The type of Hub from where to pull the resource. Either 'artifact' or 'tekton'", { initial: 'artifact' }),
};
const placeFlags = {
  ...hubFlags,
  from: text("Name of Catalog to which resource belongs (default: the community's)"),
  version: text('Version of Resource (default: the latest)'),
};

type Running<T extends FlagTable> = (given: {
  context: Context;
  flags: FlagValues<T>;
  kind: HubKind;
  name: string;
  hub: Hub;
}) => Promise<number>;

interface KindCommand<T extends FlagTable> {
  name: string;
  summary: string;
  flags: T;
  needsCluster: boolean;
  /** None: what is done is done to all of a kind. */
  takesName?: boolean;
  run: Running<T>;
}

/** A command for a definition by kind and name: `hub install task git-clone`. */
function kindCommand<T extends typeof hubFlags>(given: KindCommand<T>): Command {
  const { name: word, summary, flags, needsCluster, takesName = true, run } = given;
  const example = `hub ${word} task${takesName ? ' git-clone' : ''}`;
  return command({
    names: [word],
    summary,
    usage: takesName ? `${hubKinds.join('|')} NAME` : hubKinds.join('|'),
    examples: `${summary}:\n\n    tektite ${example}`,
    arguments: takesName ? { least: 2, most: 2 } : { least: 1, most: 1 },
    needsCluster,
    flags,
    async run(context, values, [kindGiven = '', name = '']) {
      const kind = hubKinds.find((each) => each === kindGiven.toLowerCase());
      if (kind === undefined)
        throw new CommandError(`invalid kind ${JSON.stringify(kindGiven)}. supported kinds: [${hubKinds.join(', ')}]`);
      const { withHub } = await import('./request.ts');
      return withHub(values as FlagValues<typeof hubFlags>, process.env, (hub) =>
        run({ context, flags: values, kind, name: name.trim(), hub }),
      );
    },
  });
}

const search: Command = command({
  names: ['search'],
  summary: 'Search resource by a combination of name, kind, categories, platforms, and tags',
  usage: '[NAME]',
  examples:
    "Search a resource of name 'foo':\n\n    tektite hub search foo\n\nSearch resources using tag 'cli':\n\n    tektite hub search --tags cli",
  arguments: { least: 0, most: 1 },
  needsCluster: false,
  flags: {
    ...hubFlags,
    limit: whole('Max number of resources to fetch', { short: 'l' }),
    match: text("Accept type of search. 'exact' or 'contains'.", { initial: 'contains' }),
    kinds: texts('Accepts a comma separated list of kinds'),
    tags: texts('Accepts a comma separated list of tags'),
    categories: texts('Accepts a comma separated list of categories'),
    platforms: texts('Accepts a comma separated list of platforms'),
    output: text('Accepts output format: [table, json, wide]', { short: 'o', initial: 'table' }),
  },
  async run({ terminal, signal }, flags, [name = '']) {
    const { match, output, tags, categories, platforms, limit } = flags;
    oneOf('match', match, ['contains', 'exact']);
    oneOf('output', output, ['table', 'json', 'wide']);
    if (name === '' && [flags.kinds, tags, categories, platforms].every((list) => list.length === 0))
      throw new CommandError(
        'please specify a resource name, --tags, --platforms, --categories or --kinds flag to search',
      );
    if (limit < 0) throw new CommandError(`invalid value ${limit} for option limit: it is a number of resources`);
    const query = { name: name.trim(), kinds: kindsOf(flags.kinds), tags, categories, platforms, limit };
    const [{ withHub }, { searchTable }] = await Promise.all([import('./request.ts'), import('./show.ts')]);
    return withHub(flags, process.env, async (hub) => {
      const { answer, found } = await hub.search({ ...query, exact: match === 'exact' }, signal);
      terminal.out(
        output === 'json' ? `${printable(JSON.stringify(answer))}\n` : searchTable(found, output === 'wide'),
      );
      return 0;
    });
  },
});

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new CommandError(
      `invalid value ${JSON.stringify(value)} set for option ${option}. Valid options: [${allowed.join(', ')}]`,
    );
}

function kindsOf(given: readonly string[]): HubKind[] {
  return given.map((word) => {
    const kind = hubKinds.find((each) => each === word.trim().toLowerCase());
    if (kind === undefined)
      throw new CommandError(
        `invalid value ${JSON.stringify(word)} set for option kinds. supported kinds: [${hubKinds.join(', ')}]`,
      );
    return kind;
  });
}

const get = kindCommand({
  name: 'get',
  summary: 'Get resource manifest by its name, kind, catalog, and version',
  flags: placeFlags,
  needsCluster: false,
  async run({ context: { terminal, signal }, flags, kind, name, hub }) {
    const { packageAt } = await import('./install.ts');
    const { yaml } = await packageAt(hub, placeOf(hub, kind, name, flags.from), flags.version, signal);
    const definition = yaml.endsWith('\n') ? yaml : `${yaml}\n`;
    // Byte for byte, but where a person would see what control characters do.
    terminal.out(terminal.colour ? printable(definition) : definition);
    return 0;
  },
});

const info = kindCommand({
  name: 'info',
  summary: 'Display info of resource by its name, kind, catalog, and version',
  flags: placeFlags,
  needsCluster: false,
  async run({ context: { terminal, signal }, flags, kind, name, hub }) {
    const [{ packageAt }, { infoText }] = await Promise.all([import('./install.ts'), import('./show.ts')]);
    const found = await packageAt(hub, placeOf(hub, kind, name, flags.from), flags.version, signal);
    terminal.out(infoText(found, hub.type, hub.defaultCatalog(kind)));
    return 0;
  },
});

const install = kindCommand({
  name: 'install',
  summary: 'Install a resource from a catalog by its kind, name and version',
  flags: placeFlags,
  needsCluster: true,
  async run({ context, flags, kind, name, hub }) {
    const { installPackage } = await import('./install.ts');
    return installPackage(hub, placeOf(hub, kind, name, flags.from), flags.version, context);
  },
});

const reinstall = kindCommand({
  name: 'reinstall',
  summary: 'Reinstall a resource by its kind and name',
  flags: placeFlags,
  needsCluster: true,
  async run({ context, flags, kind, name, hub }) {
    const { reinstallPackage } = await import('./install.ts');
    return reinstallPackage(hub, { kind, name, from: flags.from, version: flags.version }, context);
  },
});

const changed = (name: 'upgrade' | 'downgrade', summary: string): Command =>
  kindCommand({
    name,
    summary,
    flags: { ...hubFlags, to: text('Version of Resource') },
    needsCluster: true,
    async run({ context, flags, kind, name: of, hub }) {
      const { changePackage } = await import('./change.ts');
      return changePackage(hub, { direction: name, kind, name: of, to: flags.to }, context);
    },
  });

const checkUpgrade = kindCommand({
  name: 'check-upgrade',
  summary: 'Check for upgrades of resources if present',
  flags: hubFlags,
  needsCluster: true,
  takesName: false,
  async run({ context, kind, hub }) {
    const { checkUpgrades } = await import('./change.ts');
    return checkUpgrades(hub, kind, context);
  },
});

function placeOf(hub: Hub, kind: HubKind, name: string, from: string): Place {
  return { kind, name, catalog: from || hub.defaultCatalog(kind) };
}

export const hubGroup: CommandGroup = {
  names: ['hub'],
  summary: 'Search a hub, and install and upgrade Tasks and Pipelines from it',
  commands: [
    checkUpgrade,
    changed('downgrade', 'Downgrade an installed resource'),
    get,
    info,
    install,
    reinstall,
    search,
    changed('upgrade', 'Upgrade an installed resource'),
  ],
};
