import { eachOf } from '../../concurrency.ts';
import { CommandError, type Context } from '../command.ts';
import { alignColumns } from '../text/columns.ts';
import type { Hub, HubKind, Place } from './hub.ts';
import { overwrite, packageAt } from './install.ts';
import { catalogOf, requireInstalled, resourceOf, versionLabel, versionOf, type Definition } from './installed.ts';
import { titled } from './show.ts';
import { checkVersion, orderOf } from './versions.ts';

/** Hubs are asked for so many things at the same time. */
const atOnce = 4;

export interface Change {
  direction: 'upgrade' | 'downgrade';
  kind: HubKind;
  name: string;
  /** Empty: the latest, or the one before. */
  to: string;
}

/** An installed definition in another version. @throws CommandError with tkn's texts */
export async function changePackage(hub: Hub, change: Change, context: Context): Promise<number> {
  const { direction, kind, name, to } = change;
  checkVersion(to);
  const installed = await requireInstalled({ kind, name }, hub, context);
  const current = versionOf(installed) ?? '';
  const place = { kind, name, catalog: catalogOf(installed, hub.type) ?? hub.defaultCatalog(kind) };
  const version = to || (direction === 'upgrade' ? '' : await versionBefore(hub, place, current, context.signal));
  const found = await packageAt(hub, place, version, context.signal);
  checkDirection(change, current, found.version);
  const written = await overwrite(hub, installed, found, context);
  const reached = written.metadata.labels?.[versionLabel] ?? found.version;
  context.terminal.out(`${titled(kind)} ${name} ${direction}d to v${reached} in ${context.namespace} namespace\n`);
  return 0;
}

async function versionBefore(hub: Hub, place: Place, current: string, signal: AbortSignal): Promise<string> {
  const before = (await hub.versions(place, signal)).filter((version) => orderOf(version, current) < 0).at(-1);
  if (before === undefined)
    throw new CommandError(
      `cannot downgrade ${place.kind} ${place.name}, it seems to be at its lowest version(v${current})`,
    );
  return before;
}

function checkDirection({ direction, kind, name }: Change, current: string, wanted: string): void {
  const order = orderOf(wanted, current);
  const refused = `cannot ${direction} ${kind} ${name} to v${wanted}. existing resource seems to be of`;
  if (order === 0)
    throw new CommandError(`${refused} same version. Use reinstall command to overwrite existing ${kind}`);
  if (order > 0 === (direction === 'upgrade')) return;
  const [other, way] = direction === 'upgrade' ? ['higher', 'downgrade'] : ['lower', 'upgrade'];
  throw new CommandError(`${refused} ${other} version(v${current}). Use ${way} command`);
}

/** Which installed definitions of a kind have a later version in the hub that they are from. */
export async function checkUpgrades(hub: Hub, kind: HubKind, context: Context): Promise<number> {
  const { cluster, namespace, terminal, style, signal } = context;
  const { items } = await cluster.list(resourceOf[kind], { namespace, signal });
  const isOfHub = (each: Definition) => catalogOf(each, hub.type) !== undefined;
  const rows = await eachOf(items.filter(isOfHub), atOnce, (each) => upgradeOf(hub, kind, each, signal));
  const upgrades = rows.filter((row) => row !== undefined);
  const skipped = items.filter((each) => !isOfHub(each)).map(({ metadata }) => metadata.name ?? '');
  const table = [['NAME', 'CATALOG', 'CURRENT_VERSION', 'LATEST_VERSION'], ...upgrades];
  terminal.out(`${style.bold('Upgrades Available')}\n\n`);
  terminal.out(
    upgrades.length === 0
      ? `No ${kind} for upgrade\n`
      : alignColumns(table.map((cells) => `${cells.join('\t')}\n`).join('')),
  );
  if (skipped.length > 0) {
    terminal.out(`\n${style.bold('Skipped Resources')}\n\nNAME\n`);
    terminal.out(skipped.map((name) => `∙ ${name}\n`).join(''));
  }
  return 0;
}

async function upgradeOf(
  hub: Hub,
  kind: HubKind,
  installed: Definition,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const { name = '' } = installed.metadata;
  const catalog = catalogOf(installed, hub.type) ?? '';
  const current = versionOf(installed) ?? '';
  const latest = (await hub.versions({ kind, catalog, name }, signal)).at(-1);
  return latest !== undefined && orderOf(latest, current) > 0 ? [name, titled(catalog), current, latest] : undefined;
}
