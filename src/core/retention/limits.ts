import type {
  ConfigLevel,
  GlobalPruning,
  NamespacePruning,
  PruneEntry,
  PruneLimit,
  PruneLimits,
  PruneSelector,
} from '../../api/config/pruner-limits.ts';
import type { PrunedKind } from '../../api/config/config-pruner.ts';
import { labels } from '../labels.ts';
import { prunerAnnotations, type FinishedRun } from './run.ts';

/** The maps that decide over a namespace. */
export interface LimitMaps {
  global?: GlobalPruning | undefined;
  namespace?: NamespacePruning | undefined;
}

/** A limit with where it was found, and the runs that are counted together under it. */
export interface FoundLimit {
  value: number;
  source: string;
  group: string;
}

/** Which limit holds for a run: everything else says nothing about it. */
export function limitOf(name: Exclude<PruneLimit, 'historyLimit'>, run: FinishedRun, maps: LimitMaps) {
  for (const { scope, ...where } of scopesOf(run, maps)) {
    const value = where.isNamed === true ? scope[name] : valueIn(scope, name);
    if (value !== undefined) return { value, source: where.source, group: where.group } satisfies FoundLimit;
  }
  return undefined;
}

/** Read from the operator's map alone: no tenant raises it. */
export function levelOf(namespace: string, { global }: LimitMaps): ConfigLevel {
  return global?.namespaces?.[namespace]?.enforcedConfigLevel ?? global?.enforcedConfigLevel ?? 'resource';
}

interface Scope {
  scope: PruneLimits;
  source: string;
  group: string;
  /** historyLimit of an entry with a name counts for nothing, as upstream has it. */
  isNamed?: true;
}

/** All runs of a namespace and kind that no entry names are counted together, whoever sets their limit. */
const TOGETHER = 'all';

function scopesOf(run: FinishedRun, maps: LimitMaps): Scope[] {
  const { global, namespace: own } = maps;
  const namespace = run.metadata.namespace ?? '';
  const entry = global?.namespaces?.[namespace];
  const level = levelOf(namespace, maps);
  const root: Scope[] = global ? [{ scope: global, source: 'global-config', group: TOGETHER }] : [];
  if (level === 'global') return root;
  const path = `global-config.namespaces.${namespace}`;
  // An entry for the namespace takes the root's place, also where it says nothing.
  const operator: Scope[] = entry ? [{ scope: entry, source: path, group: TOGETHER }] : root;
  if (level === 'resource') return [...(entry ? matching(run, entry, path) : []), ...operator];
  if (!own) return operator;
  return [...matching(run, own, 'ns-config'), { scope: own, source: 'ns-config', group: TOGETHER }, ...operator];
}

/** The entry with the run's name, then the first whose selector finds it. */
function matching(run: FinishedRun, spec: NamespacePruning, path: string): Scope[] {
  const list = run.kind === 'pipelinerun' ? 'pipelineRuns' : 'taskRuns';
  const entries = spec[list] ?? [];
  const scope = (index: number): Scope => {
    const source = `${path}.${list}[${index}]`;
    return { scope: entries[index] ?? {}, source, group: source };
  };
  const name = parentNameOf(run);
  const named = name === '' ? -1 : entries.findIndex((entry) => entry.name === name);
  const selected = entries.findIndex((entry) => isSelected(run, entry));
  return [
    ...(named === -1 ? [] : [{ ...scope(named), isNamed: true as const }]),
    ...(selected === -1 ? [] : [scope(selected)]),
  ];
}

/** The Pipeline or Task that a run is of; '' for one of its own. An annotation may say which label names it. */
export function parentNameOf({ kind, metadata }: Pick<FinishedRun, 'kind' | 'metadata'>): string {
  const key = metadata.annotations?.[prunerAnnotations.resourceNameLabelKey] || defaultLabel[kind];
  return metadata.labels?.[key] ?? '';
}

const defaultLabel: Readonly<Record<PrunedKind, string>> = { pipelinerun: labels.pipeline, taskrun: labels.task };

/** A name takes precedence over a selector of the same entry. */
function isSelected(run: FinishedRun, { name, selector }: PruneEntry): boolean {
  return name === undefined && (selector ?? []).some((one) => fits(run, one));
}

function fits({ metadata }: FinishedRun, { matchLabels = {}, matchAnnotations = {} }: PruneSelector): boolean {
  const wanted = [Object.entries(matchLabels), Object.entries(matchAnnotations)] as const;
  // A selector that names nothing finds nothing.
  if (wanted[0].length + wanted[1].length === 0) return false;
  return (
    wanted[0].every(([key, value]) => metadata.labels?.[key] === value) &&
    wanted[1].every(([key, value]) => metadata.annotations?.[key] === value)
  );
}

function valueIn(scope: PruneLimits, name: Exclude<PruneLimit, 'historyLimit'>): number | undefined {
  return scope[name] ?? (name === 'ttlSecondsAfterFinished' ? undefined : scope.historyLimit);
}
