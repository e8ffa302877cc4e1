import { parse } from 'yaml';
import { findKind, type FoundKind } from '../../api/kinds.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { messageOf } from '../../errors.ts';
import { found } from '../../kube/api-error.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { configMaps } from '../../kube/resources.ts';
import { CommandError, type Context } from '../command.ts';
import type { Hub, HubKind, HubType, Package, Place } from './hub.ts';
import { titled } from './show.ts';
import { orderOf } from './versions.ts';

export const versionLabel = 'app.kubernetes.io/version';
const catalogLabels: Readonly<Record<HubType, string>> = {
  artifact: 'artifacthub.io/catalog',
  tekton: 'hub.tekton.dev/catalog',
};
const organizationLabel = 'artifacthub.io/org';
const tierLabel = 'artifacthub.io/support-tier';
/** The organization whose catalogs are the verified ones. */
const verified = 'tektoncd';

export interface Definition extends KubeObject {
  spec?: unknown;
}

export const resourceOf: Readonly<Record<HubKind, Resource<Definition>>> = {
  task: tasks,
  pipeline: pipelines,
};

type Cluster = Pick<Context, 'cluster' | 'namespace' | 'signal'>;

export function findInstalled(
  kind: HubKind,
  name: string,
  { cluster, namespace, signal }: Cluster,
): Promise<Definition | undefined> {
  return found(cluster.get(resourceOf[kind], namespace, name, { signal }));
}

/** The catalog that an installed definition says it is from. */
export function catalogOf({ metadata }: Definition, type: HubType): string | undefined {
  return metadata.labels?.[catalogLabels[type]];
}

export function versionOf({ metadata }: Definition): string | undefined {
  return metadata.labels?.[versionLabel];
}

/**
 * An installed definition that tells its version. @throws CommandError with tkn's texts
 */
export async function requireInstalled(place: Omit<Place, 'catalog'>, hub: Hub, cluster: Cluster): Promise<Definition> {
  const { kind, name } = place;
  const installed = await findInstalled(kind, name, cluster);
  if (installed === undefined)
    throw new CommandError(
      `${titled(kind)} ${name} doesn't exist in ${cluster.namespace} namespace. Use install command to install the ${kind}`,
    );
  if (versionOf(installed) !== undefined) return installed;
  const missing = catalogOf(installed, hub.type) === undefined ? 'version and catalog label' : 'version label';
  throw new CommandError(
    `${titled(kind)} ${name} seems to be missing ${missing}. Use reinstall command to overwrite existing ${kind}`,
  );
}

/**
 * A package as an object for the cluster, in the version that is stored there, with labels that tell where it is from.
 * @throws CommandError when it is no such object
 */
export function definitionOf(found: Package, type: HubType): Definition {
  const wrong = (why: string) =>
    new CommandError(`the hub's definition of ${found.kind} ${found.name} cannot be used: ${why}`);
  const object = readDefinition(found, wrong);
  const row = findKind(object?.apiVersion ?? '', object?.kind ?? '');
  if (object === null || row === undefined || row.kind.kind !== titled(found.kind))
    throw wrong(`it is no ${titled(found.kind)}`);
  checkName(object, found.name, wrong);
  const stored = inStoredVersion(object, row, wrong);
  const { name, annotations } = object.metadata;
  const labels = { ...object.metadata.labels, ...originLabels(found, type) };
  return {
    apiVersion: 'tekton.dev/v1',
    kind: titled(found.kind),
    metadata: { name, labels, ...(annotations ? { annotations } : {}) },
    spec: stored.spec,
  };
}

type Wrong = (why: string) => CommandError;

function readDefinition({ yaml }: Package, wrong: Wrong): Definition | null {
  try {
    return parse(yaml, { maxAliasCount: 100 }) as Definition | null;
  } catch (error) {
    throw wrong(messageOf(error).split('\n')[0] ?? '');
  }
}

/** It would be installed under another name than the one that was asked for. */
function checkName({ metadata }: Partial<Definition>, wanted: string, wrong: Wrong): void {
  const name: unknown = metadata?.name;
  if (name !== wanted) throw wrong(`its name is ${JSON.stringify(name)}`);
}

/** What it is made of may be anything. */
function inStoredVersion(object: Definition, { version }: FoundKind, wrong: Wrong): Definition {
  try {
    return version.convert?.toStored(object) ?? object;
  } catch (error) {
    throw wrong(messageOf(error));
  }
}

function originLabels({ catalog, organization }: Package, type: HubType): Record<string, string> {
  if (type === 'tekton') return { [catalogLabels.tekton]: catalog };
  const tier = organization === verified ? 'verified' : 'community';
  return { [catalogLabels.artifact]: catalog, [organizationLabel]: organization, [tierLabel]: tier };
}

/** Labels, annotations and spec anew; refused when somebody changed the object meanwhile. */
export async function replaceInstalled(
  installed: Definition,
  wanted: Definition,
  kind: HubKind,
  { cluster, namespace, signal }: Cluster,
): Promise<Definition> {
  const { name = '', resourceVersion } = installed.metadata;
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'add', path: '/metadata/labels', value: wanted.metadata.labels ?? {} },
    { op: 'add', path: '/metadata/annotations', value: wanted.metadata.annotations ?? {} },
    { op: 'add', path: '/spec', value: wanted.spec },
  ];
  return cluster.patch(resourceOf[kind], namespace, name, { type: 'json', body, signal });
}

type Present = { kind: 'unknown' } | { kind: 'tekton'; version: string } | { kind: 'ours' };

/** The version of Pipelines in the cluster. */
async function pipelinesVersion({ cluster, signal }: Cluster): Promise<Present> {
  const info = await cluster.get(configMaps, 'tekton-pipelines', 'pipelines-info', { signal }).catch(() => undefined);
  const version = (info?.data?.['version'] ?? '').replace(/^v/, '');
  // Upstream's ConfigMap has no such label.
  if (version !== '' && info?.metadata.labels?.[versionLabel] === version) return { kind: 'ours' };
  return /^\d+\.\d+/.test(version) ? { kind: 'tekton', version } : { kind: 'unknown' };
}

/**
 * Tektite runs what any version of Pipelines runs; its own version says nothing of that.
 * @returns a warning when it cannot be found out whether the package fits the cluster
 * @throws CommandError with tkn's text when it does not
 */
export async function checkCompatible(found: Package, cluster: Cluster): Promise<string | undefined> {
  const { minPipelinesVersion: least, kind, name, version } = found;
  if (least === '') return undefined;
  const present = await pipelinesVersion(cluster);
  if (present.kind === 'unknown')
    return `WARN: tekton pipelines version unknown, this resource is compatible with pipelines min version v${least}`;
  if (present.kind === 'ours' || orderOf(present.version, least) >= 0) return undefined;
  throw new CommandError(
    `${titled(kind)} ${name}(${version}) requires Tekton Pipelines min version v${least} but found v${present.version}`,
  );
}
