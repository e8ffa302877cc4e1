import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';

/** Limits of one scope; an absent one says nothing. Seconds and numbers of runs. */
export interface PruneLimits {
  ttlSecondsAfterFinished?: number | undefined;
  successfulHistoryLimit?: number | undefined;
  failedHistoryLimit?: number | undefined;
  /** Of both, where the one above is absent. */
  historyLimit?: number | undefined;
}
export type PruneLimit = keyof PruneLimits;

/** Which map decides: the operator's root, the namespace's own map, or the operator's entries for one namespace. */
export type ConfigLevel = 'global' | 'namespace' | 'resource';

export interface PruneSelector {
  matchLabels?: Record<string, string> | undefined;
  matchAnnotations?: Record<string, string> | undefined;
}
/** Limits of the runs of one Pipeline or Task, or of those that a selector finds. */
export interface PruneEntry extends PruneLimits {
  name?: string | undefined;
  selector?: PruneSelector[] | undefined;
}
export interface NamespacePruning extends PruneLimits {
  enforcedConfigLevel?: ConfigLevel | undefined;
  pipelineRuns?: PruneEntry[] | undefined;
  taskRuns?: PruneEntry[] | undefined;
}
export interface GlobalPruning extends PruneLimits {
  enforcedConfigLevel?: ConfigLevel | undefined;
  namespaces?: Record<string, NamespacePruning> | undefined;
}

/** What a map of limits says. Without `config` it cannot be used, and nothing may be deleted on its word. */
export interface ReadLimits<T> {
  config?: T;
  problems: string[];
}

/** Where tektoncd/pruner's limits are. */
export const prunerMaps = {
  global: { name: 'tekton-pruner-default-spec', key: 'global-config' },
  namespace: { name: 'tekton-pruner-namespace-spec', key: 'ns-config' },
} as const;

/** The upper bounds of a namespace where the operator's map has none. */
const SYSTEM_MAXIMUM = { ttlSecondsAfterFinished: 2_592_000, history: 100 };
/** Tenants write these maps: more is not read. */
const LONGEST_TEXT = 65_536;
const MOST_ENTRIES = 100;
const LARGEST = 2 ** 31 - 1;

const limit = z.int().max(LARGEST).nullish().transform(absent);
const limits = {
  ttlSecondsAfterFinished: limit,
  successfulHistoryLimit: limit,
  failedHistoryLimit: limit,
  historyLimit: limit,
};
const words = z.record(z.string(), z.string()).nullish().transform(absent);
const entries = z
  .array(
    z.object({
      ...limits,
      name: z.string().nullish().transform(absent),
      selector: z
        .array(z.object({ matchLabels: words, matchAnnotations: words }))
        .max(MOST_ENTRIES)
        .nullish()
        .transform(absent),
    }),
  )
  .max(MOST_ENTRIES)
  .nullish()
  .transform(absent);
const level = z.string().nullish().transform(absent);
const namespaceShape = z.object({ ...limits, enforcedConfigLevel: level, pipelineRuns: entries, taskRuns: entries });
const globalShape = z.object({
  ...limits,
  enforcedConfigLevel: level,
  namespaces: z.record(z.string(), namespaceShape).nullish().transform(absent),
});
type Shape = z.output<typeof namespaceShape>;

/** The operator's map (`global-config` of tekton-pruner-default-spec). Texts are upstream's where it has the rule. */
export function parseGlobalPruning(text: string | undefined): ReadLimits<GlobalPruning> {
  const { value, problems } = read(text, globalShape, prunerMaps.global.key);
  if (value === undefined) return { problems };
  const path: string = prunerMaps.global.key;
  problems.push(...faults(value, path));
  for (const [namespace, spec] of Object.entries(value.namespaces ?? {})) {
    problems.push(...faults(spec, `${path}.namespaces.${namespace}`));
    for (const kind of ['pipelineRuns', 'taskRuns'] as const)
      spec[kind]?.forEach((entry, index) => {
        const at = `${path}.namespaces.${namespace}.${kind}[${index}]`;
        problems.push(...faults(entry, at));
        if (entry.selector !== undefined)
          problems.push(
            `${at}: selectors are NOT supported in global ConfigMap. Use namespace-level ConfigMap (${prunerMaps.namespace.name}) instead`,
          );
      });
  }
  return problems.length > 0 ? { problems } : { config: value as GlobalPruning, problems };
}

/**
 * A namespace's own map (`ns-config` of tekton-pruner-namespace-spec). What exceeds the operator's limits is a problem
 * and counts as much as they allow: a tenant keeps no more than his operator lets him.
 */
export function parseNamespacePruning(
  text: string | undefined,
  namespace: string,
  global: GlobalPruning | undefined,
): ReadLimits<NamespacePruning> {
  const path: string = prunerMaps.namespace.key;
  const { value, problems } = read(text, namespaceShape, path);
  if (value === undefined) return { problems };
  problems.push(...faults(value, path));
  for (const kind of ['pipelineRuns', 'taskRuns'] as const)
    value[kind]?.forEach((entry, index) => problems.push(...faults(entry, `${path}.${kind}[${index}]`)));
  if (problems.length > 0) return { problems };
  const bound = boundsOf(global, namespace);
  for (const kind of ['pipelineRuns', 'taskRuns'] as const)
    problems.push(...sumFaults(value, kind, { namespace, bound }));
  const config: NamespacePruning = {
    ...bounded(value, bound, { path, problems }),
    pipelineRuns: value.pipelineRuns?.map((entry, index) =>
      bounded(entry, bound, { path: `${path}.pipelineRuns[${index}]`, problems }),
    ),
    taskRuns: value.taskRuns?.map((entry, index) =>
      bounded(entry, bound, { path: `${path}.taskRuns[${index}]`, problems }),
    ),
  } as NamespacePruning;
  return { config, problems };
}

function absent<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

function read<T>(
  text: string | undefined,
  shape: z.ZodType<T>,
  path: string,
): { value?: T | undefined; problems: string[] } {
  if (text === undefined || text.trim() === '') return { problems: [`${path}: is empty; write limits under this key`] };
  if (text.length > LONGEST_TEXT)
    return { problems: [`${path}: has ${text.length} characters; write at most ${LONGEST_TEXT}`] };
  try {
    const result = shape.safeParse(parse(text) ?? {});
    if (result.success) return { value: result.data, problems: [] };
    const problems = result.error.issues.slice(0, 10);
    return { problems: problems.map((issue) => `${[path, ...issue.path].join('.')}: ${issue.message}`) };
  } catch (error) {
    return { problems: [`${path}: is not YAML: ${messageOf(error)}`] };
  }
}

const limitNames = ['ttlSecondsAfterFinished', 'successfulHistoryLimit', 'failedHistoryLimit', 'historyLimit'] as const;

function faults(scope: PruneLimits & { enforcedConfigLevel?: string | undefined }, path: string): string[] {
  const { enforcedConfigLevel: word } = scope;
  const found =
    word === undefined || word === 'global' || word === 'namespace' || word === 'resource'
      ? []
      : [`${path}: invalid enforcedConfigLevel '${word}', must be one of: global, namespace, resource`];
  for (const name of limitNames) {
    const value = scope[name];
    if (value !== undefined && value < 0) found.push(`${path}: ${name} cannot be negative, got ${value}`);
  }
  return found;
}

/** The most that a namespace may keep, and who says so. */
interface Bound {
  value: number;
  text: string;
}
type Bounds = (name: PruneLimit) => Bound;

function boundsOf(global: GlobalPruning | undefined, namespace: string): Bounds {
  return (name) => {
    for (const scope of [global?.namespaces?.[namespace], global]) {
      const value = scope && limitIn(scope, name);
      if (value !== undefined) return { value, text: `global limit (${value})` };
    }
    return systemMaximum(name);
  };
}

/** What a scope says of a limit: historyLimit stands for every number of runs that it leaves out. */
function limitIn(scope: PruneLimits, name: PruneLimit): number | undefined {
  return scope[name] ?? (name === 'ttlSecondsAfterFinished' ? undefined : scope.historyLimit);
}

function systemMaximum(name: PruneLimit): Bound {
  const isTtl = name === 'ttlSecondsAfterFinished';
  const value = isTtl ? SYSTEM_MAXIMUM.ttlSecondsAfterFinished : SYSTEM_MAXIMUM.history;
  return { value, text: `system maximum (${value}${isTtl ? ' seconds / 30 days' : ''})` };
}

function bounded<T extends PruneLimits>(scope: T, bound: Bounds, told: { path: string; problems: string[] }): T {
  const result = { ...scope };
  for (const name of limitNames) {
    const value = scope[name];
    if (value === undefined) continue;
    const most = bound(name);
    if (value <= most.value) continue;
    told.problems.push(`${told.path}: ${name} (${value}) cannot exceed ${most.text}`);
    result[name] = most.value;
  }
  return result;
}

/** Many selectors together keep no more than their namespace may. */
function sumFaults(
  spec: Shape,
  kind: 'pipelineRuns' | 'taskRuns',
  { namespace, bound }: { namespace: string; bound: Bounds },
): string[] {
  return (['successfulHistoryLimit', 'failedHistoryLimit', 'historyLimit'] as const).flatMap((name) => {
    const selected = (spec[kind] ?? []).filter(({ selector }) => selector !== undefined);
    const sum = selected.reduce((total, entry) => total + (entry[name] ?? 0), 0);
    const upper = spec[name] ?? spec.historyLimit ?? bound(name).value;
    if (sum <= upper) return [];
    return [
      `namespace '${namespace}' ns-config.${kind}: sum of selector ${name} (${sum}) cannot exceed upper bound (${upper})`,
    ];
  });
}
