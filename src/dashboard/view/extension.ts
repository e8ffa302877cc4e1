import type { Extension } from '../../api/dashboard/extension.ts';
import type { KubeObject } from '../../resource.ts';
import { titleOf, type ListedKind } from './listed-kind.ts';
import { textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** Kinds that Extensions add to the lists, and what of them could not be read. */
export interface Extensions {
  kinds: readonly ListedKind[];
  /** One sentence for each Extension that is left out. */
  problems: readonly string[];
}

const MOST_KINDS = 100;
const LONGEST_TITLE = 63;
const apiVersionForm = /^(?:([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\/)?(v\d+(?:(?:alpha|beta)\d+)?)$/;
const pluralForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * What Extensions list, by title, each kind once: the oldest Extension counts. Whoever may write one chooses what the
 * page asks for, so nothing but a group, a version and a plural gets into an address, and Secrets are never listed.
 */
export function extensionsOf(objects: Iterable<KubeObject>): Extensions {
  const kinds = new Map<string, ListedKind>();
  const problems: string[] = [];
  for (const object of [...objects].sort(byAge)) {
    const found = kindOf(object as Extension);
    if (typeof found === 'string') problems.push(`${object.metadata.namespace}/${object.metadata.name}: ${found}`);
    else if (!kinds.has(found.resource.kind) && kinds.size < MOST_KINDS) kinds.set(found.resource.kind, found);
  }
  return { kinds: [...kinds.values()].sort((one, other) => (titleOf(one) < titleOf(other) ? -1 : 1)), problems };
}

function kindOf({ spec }: Extension): ListedKind | string {
  const { apiVersion, name, displayname, namespaced, disableResourceDetailsLinks } = fieldsOf(spec);
  const [, group = '', version = ''] = apiVersionForm.exec(textOf(apiVersion)) ?? [];
  const plural = textOf(name);
  if (version === '')
    return `spec.apiVersion: ${quoted(apiVersion)} is no group and version: give one such as example.dev/v1`;
  if (!pluralForm.test(plural))
    return `spec.name: ${quoted(name)} is no plural of a kind: give one as in its CRD, such as cronjobs`;
  if (group === '' && plural === 'secrets') return 'spec.name: Secrets are not shown: use kubectl';
  const title = textOf(displayname).slice(0, LONGEST_TITLE);
  return {
    resource: { group, version, plural, kind: addressKind(group, plural), namespaced: namespaced !== false },
    title: title === '' ? plural : title,
    columns: [],
    cells: () => [],
    ...(disableResourceDetailsLinks === true ? { hasNoPages: true } : {}),
    bringFirst: `kubectl apply -f FILE, with an object of ${textOf(apiVersion)}`,
  };
}

/** The kind is not in an Extension; this is how its addresses call it. */
function addressKind(group: string, plural: string): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function quoted(value: unknown): string {
  return JSON.stringify(textOf(value).slice(0, 100));
}

function byAge({ metadata: left }: KubeObject, { metadata: right }: KubeObject): number {
  const key = ({ creationTimestamp = '', namespace = '', name = '' }: KubeObject['metadata']) =>
    `${creationTimestamp} ${namespace}/${name}`;
  return key(left) < key(right) ? -1 : 1;
}
