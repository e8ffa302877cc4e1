import { keyPart, whenFull, type ConcurrencyRule, type WhenFull } from '../../api/config/config-concurrency.ts';
import { toParamValue } from '../../api/pipeline/v1/params.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { sortedJson } from '../digest/canonical-json.ts';
import { annotations, labels } from '../labels.ts';
import { isControlledBy } from '../owner.ts';
import { compactUid, parseChildren } from '../digest/children.ts';
import { recorded } from '../digest/record.ts';
import { keyOf, referenceOf } from '../reference/reference.ts';

/** Where a run waits for its turn. */
export interface Queue {
  /** Runs with the same key wait for each other; it begins with their namespace. */
  key: string;
  /** For people. */
  title: string;
  /** So many run at the same time. */
  limit: number;
  whenFull: WhenFull;
}

/** The queue of a run, none when nothing limits it, or what is wrong with its annotations. */
export type QueueOf = { kind: 'queue'; queue: Queue } | { kind: 'free' } | { kind: 'problem'; message: string };

/**
 * The operator's first rule for the run's namespace counts; where there is none, the run's own annotations do: nobody
 * gives himself more than the operator does.
 */
export function queueOf(run: PipelineRun, rules: readonly ConcurrencyRule[]): QueueOf {
  const namespace = run.metadata.namespace ?? '';
  const rule = rules.find(({ namespaces }) => namespaces === undefined || namespaces.includes(namespace));
  if (rule !== undefined) return { kind: 'queue', queue: queueBy(run, rule, `rule ${JSON.stringify(rule.name)}`) };
  const own = run.metadata.annotations ?? {};
  const limit = own[annotations.concurrencyLimit];
  if (limit === undefined) return { kind: 'free' };
  return ownQueue(run, limit, own);
}

function ownQueue(run: PipelineRun, limit: string, own: Record<string, string>): QueueOf {
  const key = (own[annotations.concurrencyKey] ?? 'pipeline').split(',').map((part) => part.trim());
  const strategy = own[annotations.concurrencyWhenFull] ?? 'queue';
  const problem = (name: string, value: string, way: string): QueueOf => ({
    kind: 'problem',
    message: `metadata.annotations[${name}]: ${JSON.stringify(value)}: ${way}`,
  });
  if (!/^[1-9]\d{0,2}$/.test(limit)) return problem(annotations.concurrencyLimit, limit, 'use a number from 1 to 999');
  const bad = key.find((part) => !keyPart.safeParse(part).success);
  if (bad !== undefined || key.length > 8)
    return problem(
      annotations.concurrencyKey,
      bad ?? key.join(),
      'use up to eight of pipeline, label:<name> and param:<name>, with commas between them',
    );
  const known = whenFull.find((one) => one === strategy);
  if (known === undefined) return problem(annotations.concurrencyWhenFull, strategy, `use ${whenFull.join(', ')}`);
  return {
    kind: 'queue',
    queue: queueBy(run, { name: '', key, limit: Number(limit), whenFull: known }, 'its annotations'),
  };
}

function queueBy(run: PipelineRun, rule: ConcurrencyRule, source: string): Queue {
  const parts = rule.key.map((part) => [part, partOf(run, part)] as const);
  const shown = [`namespace=${run.metadata.namespace ?? ''}`, ...parts.map(([part, value]) => `${part}=${value}`)];
  return {
    key: sortedJson([run.metadata.namespace ?? '', rule.name, parts]),
    title: `the queue of ${source} (${shown.join(', ').slice(0, 300)})`,
    limit: rule.limit,
    whenFull: rule.whenFull,
  };
}

function partOf(run: PipelineRun, part: string): string {
  if (part === 'pipeline') return pipelineOf(run);
  const name = part.slice(part.indexOf(':') + 1);
  if (part.startsWith('label:')) return run.metadata.labels?.[name] ?? '';
  const value = toParamValue(run.spec.params?.find((param) => param.name === name)?.value ?? '');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Runs that embed their pipeline go by the name that they were generated from. */
function pipelineOf({ spec: { pipelineRef }, metadata }: PipelineRun): string {
  const reference = pipelineRef && referenceOf('Pipeline', pipelineRef);
  if (reference?.kind === 'inCluster') return reference.name;
  if (reference !== undefined) return keyOf(reference);
  return metadata.generateName ?? metadata.labels?.[labels.pipeline] ?? metadata.name ?? '';
}

/**
 * Whether a run is part of another that has its turn already: it would wait for itself. An owner reference is anybody's
 * to write; the record of the outer run is not.
 */
export function isWithinAnother(run: PipelineRun, outer: PipelineRun | undefined): boolean {
  if (outer === undefined || !isControlledBy(run, 'PipelineRun', outer.metadata.uid)) return false;
  const record = parseChildren(recorded(outer.status, 'children'))?.get(run.metadata.name ?? '');
  return record?.uid === compactUid(run.metadata.uid ?? '');
}
