import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import type { Settings } from '../settings.ts';
import type { CredentialSecret } from './credentials.ts';
import type { ImageConfig } from './image.ts';
import type { LimitRange } from './resources.ts';

/** All that decides what a run's pod looks like. */
export interface PodInput {
  taskRun: TaskRun;
  /** The Task with every variable replaced that the controller replaces. */
  spec: TaskSpec;
  /** With volumeClaimTemplates already turned into claims. */
  workspaces: WorkspaceBinding[];
  secrets: CredentialSecret[];
  limitRanges: LimitRange[];
  /** By image, for steps without command and script. */
  images: ReadonlyMap<string, ImageConfig>;
  /** The API server does not have them: sidecars are ordinary containers, which end with the run. */
  nativeSidecarsMissing?: boolean;
  /** The one node that it may run on. */
  groupNode?: string;
  /** Milliseconds; 0 for none. */
  timeoutMs: number;
  settings: Settings;
}
