import { scheduleFault } from '../api/cron.ts';
import { chainsInfoName, isWaitingForSigner } from '../api/config/chains-info.ts';
import { configPrunerName, parsePruner, type PrunedKind, type PrunerConfig } from '../api/config/config-pruner.ts';
import { prunerMaps, type GlobalPruning, type ReadLimits } from '../api/config/pruner-limits.ts';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import type { LimitMaps } from '../core/retention/limits.ts';
import { readGlobalMap, readNamespaceMap } from '../core/retention/maps.ts';
import { planPruning, protectionText, reasonText, titleOf, type Doomed } from '../core/retention/plan.ts';
import type { FinishedRun } from '../core/retention/run.ts';
import { policyOf } from '../core/retention/schedule.ts';
import { messageOf } from '../errors.ts';
import { isNotFound } from '../kube/api-error.ts';
import { configMaps, namespaces, type ConfigMap } from '../kube/resources.ts';
import { command, CommandError, type Command, type Context } from './command.ts';
import { text, toggle } from './flags.ts';

/** What the controller would prune: the same plan, made here with what the user may read. */
export const pruneCommand: Command = command({
  names: ['prune'],
  summary: 'Say which finished runs the controller would delete, and why',
  usage: '--dry-run',
  examples:
    "What the limits delete now in namespace 'foo', and the schedule if it fired now:\n\n    tektite prune --dry-run -n foo\n\nIn all namespaces:\n\n    tektite prune --dry-run --all-namespaces",
  arguments: { least: 0, most: 0 },
  flags: {
    'dry-run': toggle('Only say what would be deleted; has to be given, as only the controller deletes'),
    'all-namespaces': toggle('look at the runs of all namespaces', { short: 'A' }),
    'system-namespace': text('where the settings are', { initial: 'tekton-pipelines' }),
    'chains-namespace': text('where Chains is, whose signatures are waited for', { initial: 'tekton-chains' }),
  },
  async run(context, flags) {
    if (!flags['dry-run'])
      throw new CommandError(
        'the controller prunes, when the chart has pruner.enabled; give --dry-run to see what it would delete',
      );
    const settings = await readSettings(context, flags['system-namespace']);
    if (isWaitingForSigner((await configMap(context, flags['chains-namespace'], chainsInfoName))?.data))
      settings.pruner.waitForSignatureMs = 0;
    const runs = await readRuns(context, flags['all-namespaces'] ? undefined : context.namespace);
    const names = flags['all-namespaces'] ? [...runs.keys()].sort() : [context.namespace];
    let doomed = 0;
    for (const namespace of names) doomed += await sayPlan(context, settings, namespace, runs.get(namespace) ?? []);
    context.terminal.out(`${doomed} runs would be deleted\n`);
    return 0;
  },
});

interface Settings {
  pruner: PrunerConfig;
  limits: ReadLimits<GlobalPruning> | undefined;
}

async function readSettings(context: Context, systemNamespace: string): Promise<Settings> {
  const own = await configMap(context, systemNamespace, configPrunerName);
  const { pruner, problems } = parsePruner(own?.data);
  const faults = problems.filter(({ kind }) => kind === 'invalid-value').map(({ message }) => message);
  const fault = pruner.schedule === '' ? undefined : scheduleFault(pruner.schedule);
  if (fault !== undefined) faults.push(`schedule ${JSON.stringify(pruner.schedule)}: ${fault}`);
  if (faults.length > 0)
    throw new CommandError(`nothing is pruned until ${configPrunerName} is corrected: ${faults.join('; ')}`);
  if (pruner.disabled) throw new CommandError(`nothing is pruned: ${configPrunerName} says disabled: "true"`);
  const limits = await configMap(context, systemNamespace, prunerMaps.global.name);
  return { pruner, limits: limits && readGlobalMap(limits) };
}

async function configMap(
  { cluster, signal }: Context,
  namespace: string,
  name: string,
): Promise<ConfigMap | undefined> {
  try {
    return await cluster.get(configMaps, namespace, name, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw new CommandError(`failed to read ConfigMap ${namespace}/${name}: ${messageOf(error)}`);
  }
}

async function readRuns(
  { cluster, signal }: Context,
  namespace: string | undefined,
): Promise<ReadonlyMap<string, FinishedRun[]>> {
  const [pipeline, task] = await Promise.all([
    cluster.list(pipelineRuns, { namespace, signal }),
    cluster.list(taskRuns, { namespace, signal }),
  ]);
  const of = (kind: PrunedKind, items: readonly Pick<FinishedRun, 'metadata' | 'status'>[]) =>
    items.map(({ metadata, status }): FinishedRun => ({ kind, metadata, ...(status ? { status } : {}) }));
  const all = [...of('pipelinerun', pipeline.items), ...of('taskrun', task.items)];
  return Map.groupBy(all, ({ metadata }) => metadata.namespace ?? '');
}

/** @returns how many runs would be deleted */
async function sayPlan(
  context: Context,
  { pruner, limits }: Settings,
  namespace: string,
  runs: readonly FinishedRun[],
): Promise<number> {
  const { cluster, signal, terminal, environment } = context;
  const now = environment.clock.now();
  const object = await cluster.get(namespaces, namespace, namespace, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw new CommandError(`failed to read the annotations of namespace ${namespace}: ${messageOf(error)}`);
  });
  const read = policyOf(pruner, object?.metadata.annotations);
  const problems = read.kind === 'invalid' ? [...read.problems] : [];
  const maps = await limitsOf(context, namespace, limits, problems);
  const scheduled = read.kind === 'policy' ? { policy: read.policy, firing: now } : undefined;
  const plan = planPruning({ namespace, runs, maps, scheduled, rules: pruner, now });
  problems.push(...plan.problems.map(({ run, message }) => `${nameOf({ run })}: ${message}`));
  for (const problem of problems) terminal.err(`Warning: ${namespace}: ${problem}\n`);
  for (const one of plan.doomed) terminal.out(`${namespace}: ${nameOf(one)} would go: ${reasonText(one.reason)}\n`);
  for (const one of plan.held)
    terminal.out(
      `${namespace}: ${nameOf(one)} stays for now: ${protectionText(one.protection)}; else ${reasonText(one.reason)}\n`,
    );
  return plan.doomed.length;
}

async function limitsOf(
  context: Context,
  namespace: string,
  global: ReadLimits<GlobalPruning> | undefined,
  problems: string[],
): Promise<LimitMaps> {
  problems.push(...(global?.problems ?? []));
  if (global === undefined || global.config === undefined) return {};
  const map = await configMap(context, namespace, prunerMaps.namespace.name);
  if (!map) return { global: global.config };
  const own = readNamespaceMap(map, namespace, global.config);
  problems.push(...own.problems);
  return own.config === undefined ? {} : { global: global.config, namespace: own.config };
}

function nameOf({ run }: Pick<Doomed, 'run'>): string {
  return `${titleOf(run.kind)} ${run.metadata.name}`;
}
