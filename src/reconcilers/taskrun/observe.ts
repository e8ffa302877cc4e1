import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import type { Pod as RunPod } from '../../core/pod/types.ts';
import type { Settings } from '../../core/settings.ts';
import type { TaskRunFacts } from '../../core/taskrun/facts.ts';
import { byController, controllerId } from '../../kube/owners.ts';
import type { Pod } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import type { Supplying } from './supply.ts';

export interface TaskRunStores {
  taskRuns: Pick<Store<TaskRun>, 'get' | 'observeWrite'>;
  /** Indexed `byController`. */
  pods: Pick<Store<Pod>, 'byIndex' | 'observeWrite'>;
  tasks: Supplying['stores']['tasks'];
  limitRanges: Supplying['stores']['limitRanges'];
}

/** What the caches have of a run, as the controller began to act on it. */
export function observe(stored: TaskRun, stores: Pick<TaskRunStores, 'pods'>, settings: Settings): TaskRunFacts {
  const { run: taskRun, change } = asRecorded(stored);
  return {
    taskRun,
    ...(change ? { specChange: change } : {}),
    pods: stores.pods.byIndex(
      byController,
      controllerId({ apiVersion: 'tekton.dev/v1', kind: 'TaskRun', uid: taskRun.metadata.uid }),
    ) as RunPod[],
    settings,
  };
}
