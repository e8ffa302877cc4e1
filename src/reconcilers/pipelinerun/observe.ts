import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import type { AnswerTo } from '../../core/need.ts';
import { childOf, type Child } from '../../core/pipelinerun/child/child.ts';
import { isControlledBy } from '../../core/owner.ts';
import { deepestNesting } from '../../core/pipelinerun/nesting.ts';
import type { PipelineRunFacts, PipelineRunNeed } from '../../core/pipelinerun/types.ts';
import type { Settings } from '../../core/settings.ts';
import { byController, controllerId, controllerKey } from '../../kube/owners.ts';
import { found } from '../../kube/client.ts';
import { persistentVolumeClaims } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import { admit, type Admission } from './admission.ts';
import { pipelineRunResource, type ChildStores } from './children.ts';
import { supplyDefinition, type DefinitionSources } from '../supply/definitions.ts';

export interface PipelineRunStores extends ChildStores {
  pipelineRuns: Pick<Store<PipelineRun>, 'get' | 'byIndex' | 'observeWrite'>;
  pipelines: NonNullable<DefinitionSources['stores']['pipelines']>;
  tasks: DefinitionSources['stores']['tasks'];
}

/**
 * What the caches have of a run, as the controller began to act on it, in time that grows with the run's own children
 * only.
 */
export function observe(
  stored: PipelineRun,
  stores: Pick<PipelineRunStores, keyof ChildStores>,
  settings: Settings,
): PipelineRunFacts {
  const { run, change } = asRecorded(stored);
  return {
    run,
    ...(change ? { specChange: change } : {}),
    children: childrenOf(run, stores),
    ancestors: ancestorsOf(run, stores.pipelineRuns),
    settings,
  };
}

/** Every run that it controls. */
function childrenOf({ metadata: { uid } }: PipelineRun, { taskRuns, customRuns, pipelineRuns }: ChildStores): Child[] {
  const id = controllerId({ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', uid });
  return [
    ...taskRuns.byIndex(byController, id).map((child) => childOf('TaskRun', child)),
    ...customRuns.byIndex(byController, id).map((child) => childOf('CustomRun', child)),
    ...pipelineRuns.byIndex(byController, id).map((child) => childOf('PipelineRun', child)),
  ];
}

/** The runs that it was made within, as far as they are there; owner references may be anybody's and go in a circle. */
function ancestorsOf(run: PipelineRun, pipelineRuns: Pick<Store<PipelineRun>, 'get'>): PipelineRun[] {
  const found: PipelineRun[] = [];
  for (let inner = run; found.length <= deepestNesting;) {
    const key = controllerKey(inner, 'PipelineRun');
    const outer = key === undefined ? undefined : pipelineRuns.get(key);
    if (outer === undefined || !isControlledBy(inner, 'PipelineRun', outer.metadata.uid)) return found;
    found.push(outer);
    inner = outer;
  }
  return found;
}

/** Finds out what planning a PipelineRun asks for, and takes its turn. */
export function supplierFor(
  { metadata: { namespace = '', name = '', uid = '' } }: PipelineRun,
  sources: DefinitionSources & { admission: Admission },
  signal: AbortSignal,
): (need: PipelineRunNeed) => Promise<AnswerTo<PipelineRunNeed>> {
  const requester = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', namespace, name, uid };
  const { client } = sources;
  return async (need) => {
    switch (need.type) {
      case 'turn':
        return admit(need, sources.admission, signal);
      case 'definition':
        return supplyDefinition(need, requester, sources, signal);
      case 'earlierPipelineRun':
        return found(client.get(pipelineRunResource, need.namespace, need.name, { signal }));
      case 'claim':
        return (await found(client.get(persistentVolumeClaims, need.namespace, need.name, { signal })))?.metadata;
      default: {
        const never: never = need;
        return never;
      }
    }
  };
}
