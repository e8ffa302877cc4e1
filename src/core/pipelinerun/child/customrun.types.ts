import type { ApiObject, Condition, EmbeddedMetadata } from '../../../api/meta.ts';
import type { Param, TaskRef } from '../../../api/pipeline/v1/params.ts';
import type { WorkspaceBinding } from '../../../api/pipeline/v1/workspace.ts';

export interface CustomRunSpec {
  /** Object of the custom task, by apiVersion and kind; excludes customSpec. */
  customRef?: TaskRef;
  customSpec?: { apiVersion?: string; kind?: string; metadata?: EmbeddedMetadata; spec?: unknown };
  params?: Param[];
  status?: string;
  statusMessage?: string;
  retries?: number;
  serviceAccountName?: string;
  timeout?: string;
  workspaces?: WorkspaceBinding[];
}

export interface CustomRunStatus {
  conditions?: Condition[];
  startTime?: string;
  completionTime?: string;
  results?: { name: string; value: string }[];
}

/** A run of a task that another controller does: Tekton creates and watches it, and reads its status. */
export type CustomRun = ApiObject<CustomRunSpec, CustomRunStatus>;
