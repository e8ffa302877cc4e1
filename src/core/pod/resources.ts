import type { ResourceRequirements } from '../../api/core/container.ts';
import type { TaskRunSpec, TaskRunStepSpec } from '../../api/pipeline/v1/taskrun.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import { formatQuantity, oneWhole, parseQuantity } from './quantity.ts';
import type { Container } from './types.ts';

/** core/v1 LimitRange, the part that matters for containers. */
export interface LimitRange {
  spec?: { limits?: LimitRangeItem[] };
}

export interface LimitRangeItem {
  type?: string;
  min?: Record<string, string | number>;
  max?: Record<string, string | number>;
  defaultRequest?: Record<string, string | number>;
  default?: Record<string, string | number>;
}

/** computeResources that the run sets for steps or sidecars by name; a run's value replaces the Task's. */
export function withSpecs<T extends { name?: string; computeResources?: ResourceRequirements }>(
  items: readonly T[],
  specs: readonly TaskRunStepSpec[] | undefined,
): T[] {
  const byName = new Map((specs ?? []).map((spec) => [spec.name, spec.computeResources]));
  return items.map((item) => {
    const override = item.name === undefined ? undefined : byName.get(item.name);
    return override === undefined ? item : { ...item, computeResources: { ...item.computeResources, ...override } };
  });
}

/**
 * Resources of the whole run spread over its steps (docs/compute-resources.md, "Task-level"): they run one after the
 * other but the scheduler adds their requests up, so each gets its share; limits apply to each.
 */
export function withTaskLevelResources(steps: readonly Step[], resources: TaskRunSpec['computeResources']): Step[] {
  if (resources === undefined) return [...steps];
  const requests = mapValues(resources.requests ?? resources.limits ?? {}, (quantity, name) =>
    divided(quantity, steps.length, name),
  );
  return steps.map((step) => ({
    ...step,
    computeResources: { ...(resources.limits ? { limits: { ...resources.limits } } : {}), requests },
  }));
}

/**
 * Steps' missing requests filled as a LimitRange of type Container wants them: its default request shared by the steps,
 * but at least its minimum. Without this the API server would give each step the full default.
 */
export function withLimitRanges(steps: readonly Container[], limitRanges: readonly LimitRange[]): Container[] {
  const items = limitRanges.flatMap((range) => range.spec?.limits ?? []).filter((item) => item.type === 'Container');
  if (items.length === 0 || steps.length === 0) return [...steps];
  const names = new Set(
    items.flatMap((item) => [...Object.keys(item.min ?? {}), ...Object.keys(item.defaultRequest ?? {})]),
  );
  const missing = [...names].map((name): [string, string] | undefined => {
    const request = shareOfDefault(name, items, steps.length);
    return request === undefined ? undefined : [name, request];
  });
  const requests = Object.fromEntries(missing.filter((entry) => entry !== undefined));
  return steps.map((step) => withRequests(step, requests));
}

/** The step's own requests, and of these what it does not request. */
function withRequests(step: Container, requests: Record<string, string>): Container {
  if (Object.keys(requests).length === 0) return step;
  // Never ask for more than the step's own limit: the API server would refuse the pod.
  const limits = step.resources?.limits ?? {};
  const bounded = mapValues(requests, (request, name) => smaller(request, limits[name]));
  return { ...step, resources: { ...step.resources, requests: { ...bounded, ...step.resources?.requests } } };
}

function shareOfDefault(name: string, items: readonly LimitRangeItem[], steps: number): string | undefined {
  const defaults = amounts(items, name, (item) => item.defaultRequest);
  const minimums = amounts(items, name, (item) => item.min);
  // Several ranges: the smallest default that every minimum allows.
  const share = defaults.length > 0 ? shareOf(least(defaults), steps, name) : 0n;
  const floor = minimums.length > 0 ? greatest(minimums) : 0n;
  const request = share > floor ? share : floor;
  return request > 0n ? formatQuantity(request) : undefined;
}

function amounts(
  items: readonly LimitRangeItem[],
  name: string,
  pick: (item: LimitRangeItem) => Record<string, string | number> | undefined,
): bigint[] {
  return items
    .map((item) => pick(item)?.[name])
    .filter((quantity) => quantity !== undefined)
    .map(parseQuantity)
    .filter((amount) => amount !== undefined);
}

function least(amounts: readonly bigint[]): bigint {
  return amounts.reduce((a, b) => (b < a ? b : a));
}

function greatest(amounts: readonly bigint[]): bigint {
  return amounts.reduce((a, b) => (b > a ? b : a));
}

function smaller(request: string, limit: string | number | undefined): string {
  const bound = limit === undefined ? undefined : parseQuantity(limit);
  const amount = parseQuantity(request);
  return bound !== undefined && amount !== undefined && bound < amount ? String(limit) : request;
}

function divided(quantity: string | number, by: number, name: string): string {
  const amount = parseQuantity(quantity);
  return amount === undefined ? String(quantity) : formatQuantity(shareOf(amount, Math.max(by, 1), name));
}

/** An equal share; of everything but CPU in whole units, for there are no fractions of a byte. */
function shareOf(amount: bigint, by: number, name: string): bigint {
  const share = amount / BigInt(by);
  return name === 'cpu' ? share : share - (share % oneWhole);
}

function mapValues<V, W>(record: Record<string, V>, map: (value: V, key: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

/**
 * Operators' defaults by container name (config-defaults, `default-container-resource-requirements`): the exact name,
 * else the longest `prefix-x` whose `x-` it begins with, else `default`. Only containers that set nothing themselves.
 */
export function withOperatorDefaults(container: Container, defaults: Record<string, ResourceRequirements>): Container {
  const own = container.resources;
  if (own && (Object.keys(own.requests ?? {}).length > 0 || Object.keys(own.limits ?? {}).length > 0)) return container;
  const prefixes = Object.keys(defaults).filter(
    (key) => key.startsWith('prefix-') && container.name.startsWith(`${key.slice('prefix-'.length)}-`),
  );
  const longest = prefixes.sort((a, b) => b.length - a.length)[0];
  const found =
    defaults[container.name] ?? (longest === undefined ? undefined : defaults[longest]) ?? defaults['default'];
  return found === undefined ? container : { ...container, resources: { ...own, ...found } };
}
