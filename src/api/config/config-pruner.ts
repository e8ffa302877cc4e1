import { commaList } from '../../comma-list.ts';
import { ConfigValues, type ConfigProblem } from './values.ts';

export const prunedKinds = ['pipelinerun', 'taskrun'] as const;
export type PrunedKind = (typeof prunedKinds)[number];

/** ConfigMap config-pruner: the keys of TektonConfig's `spec.pruner`, and how deletions are done. */
export interface PrunerConfig {
  /** No pruning of any kind. */
  disabled: boolean;
  /** Cron, UTC; empty: only namespaces with a schedule of their own. */
  schedule: string;
  /** How late a firing may begin. */
  startingDeadlineSeconds: number;
  resources: PrunedKind[];
  /** How many finished runs stay; exclusive with keepSinceMinutes. */
  keep?: number;
  keepSinceMinutes?: number;
  /** Count for each Pipeline and Task by itself. */
  perResource: boolean;
  deletionsPerSecond: number;
  /** Say what would be deleted, and delete nothing. */
  dryRun: boolean;
  /** How long a finished run without a mark of Chains waits for one; 0 where Chains does not sign. */
  waitForSignatureMs: number;
  /** Finalizers whose owners do their work when a run is deleted: they do not keep it from that. */
  finalizersOnDeletion: string[];
}

export const configPrunerName = 'config-pruner';

const DEFAULT_KEEP = 100;
const LARGEST = 2 ** 31;

/** With a problem of kind 'invalid-value' nothing may be deleted: what was meant is not known. */
export function parsePruner(data: Readonly<Record<string, string>> | undefined): {
  pruner: PrunerConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const none = LARGEST;
  const keep = values.integer('keep', none, 0, LARGEST);
  const keepSince = values.integer('keep-since', none, 0, LARGEST);
  const pruner: PrunerConfig = {
    disabled: values.boolean('disabled', false),
    schedule: values.text('schedule', '').trim(),
    startingDeadlineSeconds: values.integer('startingDeadlineSeconds', 600, 1, 86_401),
    resources: values.list('resources', prunedKinds, 'use "pipelinerun", "taskrun" or both with a comma', [
      'pipelinerun',
    ]),
    ...(keepSince === none ? { keep: keep === none ? DEFAULT_KEEP : keep } : { keepSinceMinutes: keepSince }),
    perResource: values.boolean('prune-per-resource', false),
    deletionsPerSecond: values.integer('deletions-per-second', 20, 1, 1_001),
    dryRun: values.boolean('dry-run', false),
    waitForSignatureMs: values.durationMs('wait-for-signature', 0),
    finalizersOnDeletion: commaList(values.text('finalizers-on-deletion', '')),
  };
  if (data?.['keep'] !== undefined && data['keep-since'] !== undefined)
    values.problems.push({
      kind: 'invalid-value',
      key: 'keep-since',
      value: data['keep-since'],
      message: 'keep and keep-since cannot both be set; nothing is pruned until you take one away',
    });
  return { pruner, problems: values.reportUnknownKeys() };
}
