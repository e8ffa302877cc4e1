import type { Outcome } from '../../kube/controller.ts';
import { isControlledBy } from '../../core/owner.ts';
import { controllerOf } from '../../kube/owners.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { childrenOfKind, planRun, type RunDecision, type RunFacts, type RunState } from '../plan/run.ts';
import { finalizersAfter } from '../plan/settle.ts';
import { attemptToSign, write, type Action } from './attempt.ts';
import { noChildren, readChildren } from './children.ts';
import { noneEarlier, readEarlier } from './earlier.ts';
import type { ReconcilerOptions } from './options.ts';
import { cacheOf, read } from './write.ts';

/**
 * Brings one run closer to being signed: looks at the cache first, and only when there is work at the API server. A
 * crash between any two calls is taken up by the next reconcile. Throws to be called again with back-off; that does not
 * count as an attempt.
 */
export function createChainsReconciler(
  options: ReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  return async (key, signal) => {
    const config = options.settings();
    const cached = cacheOf(options).get(key);
    if (cached === undefined) return { kind: 'skip' };
    const first = planRun(factsOf(cached, cachedChildren(cached, options), config, options));
    if (!needsWriting(first)) return ended(first);
    const run = await read(key, options, signal);
    if (run === undefined || run.metadata.uid !== cached.metadata.uid) return { kind: 'skip' };
    const children =
      first.kind === 'sign' && options.kind === 'pipelinerun' ? await readChildren(run, options, signal) : noChildren;
    const decision = planRun(
      factsOf(run, { children: children.own, nested: children.ownNested.map((one) => one.run) }, config, options),
    );
    const earlier = decision.kind === 'sign' ? await readEarlier(run, config, options, signal) : noneEarlier;
    return carryOut(decision, { run, children, earlier, config, signal }, options);
  };
}

function needsWriting(decision: RunDecision): boolean {
  return decision.kind === 'protect' || decision.kind === 'release' || decision.kind === 'sign';
}

async function carryOut(decision: RunDecision, action: Action, options: ReconcilerOptions): Promise<Outcome> {
  switch (decision.kind) {
    case 'leave':
    case 'later':
    case 'wait':
      return ended(decision);
    case 'protect':
      await write(action, { annotations: {}, finalizers: (run) => finalizersAfter(run, options.kind, 'add') }, options);
      return { kind: 'done' };
    case 'release':
      await write(
        action,
        { annotations: {}, finalizers: (run) => finalizersAfter(run, options.kind, 'drop') },
        options,
      );
      return { kind: 'done' };
    case 'sign':
      return attemptToSign(decision.attempt, action, options);
    default: {
      const never: never = decision;
      return never;
    }
  }
}

function ended(decision: RunDecision): Outcome {
  if (decision.kind === 'later') return { kind: 'requeueAfter', ms: decision.ms };
  if (decision.kind === 'wait' && decision.ms !== undefined) return { kind: 'requeueAfter', ms: decision.ms };
  return { kind: 'done' };
}

function factsOf(
  run: RunState,
  made: Pick<RunFacts, 'children' | 'nested'>,
  config: ChainsConfig,
  { kind, caches, seal, clock }: ReconcilerOptions,
): RunFacts {
  const owner = controllerOf(run, 'PipelineRun');
  const parent = kind === 'taskrun' && owner ? caches.pipelineRuns.find(run.metadata.namespace, owner.name) : undefined;
  return {
    kind,
    run,
    ...made,
    config,
    seal,
    now: clock.now(),
    ...(parent?.metadata.uid === owner?.uid ? { parent } : {}),
  };
}

/** What bears a child's name and was made by nobody, or by another run, would wake nobody when it is through. */
function cachedChildren(run: RunState, { kind, caches }: ReconcilerOptions): Pick<RunFacts, 'children' | 'nested'> {
  if (kind !== 'pipelinerun') return { children: [] };
  const { namespace, uid } = run.metadata;
  const own = (cache: typeof caches.taskRuns, wanted: 'TaskRun' | 'PipelineRun') =>
    childrenOfKind(run, wanted)
      .flatMap((name) => cache.find(namespace, name) ?? [])
      .filter((child) => isControlledBy(child, 'PipelineRun', uid));
  return { children: own(caches.taskRuns, 'TaskRun'), nested: own(caches.pipelineRuns, 'PipelineRun') };
}
