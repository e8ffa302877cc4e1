import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { eachOf } from '../../concurrency.ts';
import { joinKey } from '../../kube/object.ts';
import { controllerOf } from '../../kube/owners.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { earlierTaskRuns, type EarlierChild } from '../plan/earlier.ts';
import type { Problem } from '../plan/problems.ts';
import type { RunObject } from '../types.ts';
import { noChildren, notChild, readsAtOnce, resources } from './children.ts';
import { examine } from './examine.ts';
import type { ReconcilerOptions } from './options.ts';
import { read } from './write.ts';

/** TaskRuns that came before one in its pipeline: what they fetched is what it was built from. */
export interface Earlier {
  runs: TaskRun[];
  /** Why the attestation lacks what others fetched. */
  notes: Problem[];
}

export const noneEarlier: Earlier = { runs: [], notes: [] };

/** TaskRuns that are looked into for one attestation, each with a call to the API server. */
export const mostEarlier = 64;

type Options = Pick<ReconcilerOptions, 'kind' | 'client' | 'services' | 'clock'>;

interface Reading {
  parent: PipelineRun;
  config: ChainsConfig;
  options: Options;
  signal: AbortSignal;
}

/**
 * Reads what came before a TaskRun that reports something to attest; for all others nothing is read. Only what its own
 * PipelineRun made, and what is sound by the controller's record and by what SPIRE signed, speaks for it: anybody may
 * make a TaskRun of a name that is free.
 */
export async function readEarlier(
  run: RunObject,
  config: ChainsConfig,
  options: Options,
  signal: AbortSignal,
): Promise<Earlier> {
  if (options.kind !== 'taskrun' || !config.taskrun.enabled || !config.taskrun.earlierInputs) return noneEarlier;
  if (!options.services.reportsArtifacts(run)) return noneEarlier;
  const parent = await readParent(run, options, signal);
  if (parent === undefined) return noneEarlier;
  const children = earlierTaskRuns(run.metadata.name ?? '', parent);
  if (children.length > mostEarlier) return { runs: [], notes: [tooMany(run, children.length)] };
  const reading = { parent, config, options, signal };
  const all = await eachOf(children, readsAtOnce, (child) => readOne(child, reading));
  return { runs: all.flatMap((one) => one.runs), notes: all.flatMap((one) => one.notes) };
}

/** The PipelineRun that made it; undefined when nobody did, or it is gone. */
async function readParent(run: RunObject, { client }: Options, signal: AbortSignal): Promise<PipelineRun | undefined> {
  const owner = controllerOf(run, 'PipelineRun');
  if (owner === undefined) return undefined;
  const from = { client, resource: resources.PipelineRun };
  const found = await read(joinKey(run.metadata.namespace, owner.name), from, signal);
  return found?.metadata.uid === owner.uid ? found : undefined;
}

async function readOne({ name, task }: EarlierChild, { parent, config, options, signal }: Reading): Promise<Earlier> {
  const { client, services, clock } = options;
  const from = { client, resource: resources.TaskRun };
  const run = await read(joinKey(parent.metadata.namespace, name), from, signal);
  if (run === undefined) return lacking(name, 'was deleted before this one was signed');
  const fault = notChild(run, parent, task);
  if (fault !== undefined) return lacking(name, fault);
  const examined = await examine({
    kind: 'taskrun',
    run,
    children: noChildren,
    config,
    services,
    now: clock.now(),
    signal,
  });
  if (examined.sound) return { runs: [run], notes: [] };
  const [why] = [...examined.refusals, ...examined.failures];
  return lacking(name, `is not attested (${why?.artifact}: ${why?.reason})`);
}

function lacking(name: string, why: string): Earlier {
  const reason = `the TaskRun before it in the pipeline ${why}; the attestation lacks what it fetched`;
  return { runs: [], notes: [{ artifact: name, at: 'payload', reason }] };
}

function tooMany({ metadata: { name = '' } }: RunObject, count: number): Problem {
  const reason = `${count} TaskRuns come before it in its pipeline, and an attestation looks into ${mostEarlier}; it lacks what they fetched: set artifacts.pipelinerun.enable-deep-inspection, and look into the attestation of the PipelineRun`;
  return { artifact: name, at: 'payload', reason };
}
