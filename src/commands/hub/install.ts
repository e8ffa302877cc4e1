import { CommandError, type Context } from '../command.ts';
import type { Hub, HubKind, Package, Place } from './hub.ts';
import {
  catalogOf,
  checkCompatible,
  definitionOf,
  findInstalled,
  replaceInstalled,
  resourceOf,
  versionLabel,
  versionOf,
  type Definition,
} from './installed.ts';
import { NotInHub } from './request.ts';
import { titled } from './show.ts';
import { checkVersion, orderOf } from './versions.ts';

/** A version of a package, the latest when none is named. @throws CommandError with tkn's texts */
export async function packageAt(hub: Hub, place: Place, version: string, signal: AbortSignal): Promise<Package> {
  checkVersion(version);
  try {
    const wanted = version || (await hub.versions(place, signal)).at(-1);
    if (wanted === undefined) throw new NotInHub('it has no versions');
    return await hub.package(place, wanted, signal);
  } catch (error) {
    if (!(error instanceof NotInHub)) throw error;
    const named = version === '' ? place.name : `${place.name}(${version})`;
    throw new NotInHub(`${titled(place.kind)} ${named} from ${place.catalog} catalog not found in Hub`);
  }
}

export async function installPackage(hub: Hub, place: Place, version: string, context: Context): Promise<number> {
  const found = await packageAt(hub, place, version, context.signal);
  const wanted = definitionOf(found, hub.type);
  const installed = await findInstalled(place.kind, place.name, context);
  if (installed !== undefined) throw new CommandError(alreadyThere(installed, found, version === '', context));
  const warning = await checkCompatible(found, context);
  const { cluster, namespace, terminal, signal } = context;
  const object = { ...wanted, metadata: { ...wanted.metadata, namespace } };
  const made = await cluster.create(resourceOf[place.kind], object, { signal });
  tell(found, warning, context);
  terminal.out(`${titled(place.kind)} ${place.name}(${labelled(made)}) installed in ${namespace} namespace\n`);
  return 0;
}

function alreadyThere(installed: Definition, found: Package, isLatest: boolean, { namespace }: Context): string {
  const existing = versionOf(installed);
  const title = `${titled(found.kind)} ${found.name}`;
  if (existing === undefined)
    return `${title} already exists in ${namespace} namespace but seems to be missing version label. Use reinstall command to overwrite existing`;
  const order = orderOf(existing, found.version);
  const there = `${title}(${existing}) already exists in ${namespace} namespace.`;
  if (order === 0) return `${there} Use reinstall command to overwrite existing`;
  const latest = isLatest && order < 0 ? '(latest)' : '';
  return `${there} Use ${order < 0 ? 'upgrade' : 'downgrade'} command to install v${found.version}${latest}`;
}

export interface Reinstalled {
  kind: HubKind;
  name: string;
  /** Empty: as the labels say. */
  from: string;
  version: string;
}

export async function reinstallPackage(hub: Hub, given: Reinstalled, context: Context): Promise<number> {
  const { kind, name } = given;
  const installed = await findInstalled(kind, name, context);
  if (installed === undefined)
    throw new CommandError(
      `${titled(kind)} ${name} doesn't exists in ${context.namespace} namespace. Use install command to install the ${kind}`,
    );
  const version = given.version || versionOf(installed);
  if (version === undefined)
    throw new CommandError(
      `existing ${kind} seems to be missing version label. Use --version flag to reinstall the ${kind}`,
    );
  const catalog = given.from || (catalogOf(installed, hub.type) ?? hub.defaultCatalog(kind));
  const found = await packageAt(hub, { kind, name, catalog }, version, context.signal);
  const written = await overwrite(hub, installed, found, context);
  context.terminal.out(`${titled(kind)} ${name}(${labelled(written)}) reinstalled in ${context.namespace} namespace\n`);
  return 0;
}

/** An installed definition becomes the package; what has to be told is told. */
export async function overwrite(
  hub: Hub,
  installed: Definition,
  found: Package,
  context: Context,
): Promise<Definition> {
  const wanted = definitionOf(found, hub.type);
  const warning = await checkCompatible(found, context);
  const written = await replaceInstalled(installed, wanted, found.kind, context);
  tell(found, warning, context);
  return written;
}

function tell({ deprecated }: Package, warning: string | undefined, { terminal }: Context): void {
  if (warning !== undefined) terminal.out(`${warning}\n`);
  if (deprecated) terminal.out('WARN: This version has been deprecated\n');
}

function labelled(definition: Definition): string {
  return definition.metadata.labels?.[versionLabel] ?? '';
}
