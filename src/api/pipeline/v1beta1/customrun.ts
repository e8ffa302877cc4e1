import { z } from 'zod';
import { duckStatus, embeddedMetadata, type ApiObject } from '../../meta.ts';
import { atomicList, durationText, preserved, preservedObject, timeText } from '../../schema.ts';
import { params, taskRef } from '../v1/params.ts';
import { workspaceBinding } from '../v1/workspace.ts';

/** What a user may write into spec.status of a CustomRun (docs/customruns.md). */
export const customRunSpecStatus = { cancelled: 'RunCancelled' } as const;

export const customRunSpec = z.object({
  customRef: taskRef
    .omit({ kind: true })
    .extend({ kind: z.string().optional(), bundle: z.string().optional().describe('Removed.') })
    .optional()
    .describe('Object of the custom task, by apiVersion and kind; excludes customSpec.'),
  customSpec: z
    .object({
      apiVersion: z.string().optional(),
      kind: z.string().optional(),
      metadata: embeddedMetadata.optional(),
      spec: preservedObject<Record<string, unknown>>('Spec of the custom task.').optional(),
    })
    .optional()
    .describe('Custom task written in place; excludes customRef.'),
  params: params.optional().describe("Values of the task's params."),
  status: z.string().optional().describe('RunCancelled asks the controller of the custom task to end the run.'),
  statusMessage: z.string().optional().describe('Why the status was set.'),
  retries: z.int().optional().describe('How often the controller of the custom task should try again.'),
  serviceAccountName: z.string().optional(),
  timeout: durationText.optional(),
  workspaces: atomicList(workspaceBinding).optional(),
});
export type CustomRunSpec = z.infer<typeof customRunSpec>;

const statusFields = {
  ...duckStatus,
  startTime: timeText.optional(),
  completionTime: timeText.optional(),
  results: atomicList(z.object({ name: z.string(), value: z.string() })).optional(),
  extraFields: preserved<unknown>('What the controller of the custom task notes for itself.').optional(),
};

export const customRunStatus = z.object({
  ...statusFields,
  retriesStatus: preserved<Record<string, unknown>[]>('Status of earlier attempts.').optional(),
});
export type CustomRunStatus = z.infer<typeof customRunStatus>;

/** A run of a task that another controller does: Tekton creates and watches it, and reads its status. */
export type CustomRun = ApiObject<CustomRunSpec, CustomRunStatus>;
