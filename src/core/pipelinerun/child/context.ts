import type { PipelineRun, PipelineTaskRunSpec } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../../api/pipeline/v1/workspace.ts';
import type { Inheritance } from '../../inheritance/record.ts';
import type { Definition } from '../../reference/resolved.ts';
import type { Settings } from '../../settings.ts';
import type { Replacements } from '../../substitution/replacements.ts';
import type { TaskState } from '../assess.ts';
import type { ChildOrigin } from './metadata.ts';
import type { Room } from './room.ts';

/** What the children of one run have in common. */
export interface ChildContext {
  run: PipelineRun;
  metadata: ChildOrigin['metadata'];
  /** Params and context of the run, for taskRunSpecs and taskRunTemplate. */
  values: Replacements;
  /** By name, with results of other tasks replaced. */
  workspaces: ReadonlyMap<string, WorkspaceBinding>;
  taskRunSpecs: ReadonlyMap<string, PipelineTaskRunSpec>;
  /** Results of other tasks, for embedded specs. */
  results: Replacements;
  settings: Settings;
  /** Of a rerun. */
  inheritance: Inheritance | undefined;
  /** How many may be made now. */
  room: Room;
}

/** What the children of one task have in common. */
export interface Common {
  state: TaskState;
  resolved: Definition<'Task'> | undefined;
  definition: Pick<TaskRun['spec'], 'taskRef' | 'taskSpec'>;
  workspaces: WorkspaceBinding[];
}
