import { z } from 'zod';
import { preservedObject } from '../../schema.ts';

/** Declared by a Task. */
export const workspaceDeclaration = z.object({
  name: z.string(),
  description: z.string().optional(),
  mountPath: z.string().optional().describe('Where to mount it; /workspace/<name> when left out.'),
  readOnly: z.boolean().optional(),
  optional: z.boolean().optional().describe('A run may leave it unbound.'),
});
export type WorkspaceDeclaration = z.infer<typeof workspaceDeclaration>;

/** A step or sidecar that takes a workspace for itself ("isolated workspaces"). */
export const workspaceUsage = z.object({ name: z.string(), mountPath: z.string().optional() });
export type WorkspaceUsage = z.infer<typeof workspaceUsage>;

export interface PersistentVolumeClaimTemplate {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** What a run gives for a declared workspace: exactly one source. */
export const workspaceBinding = z.object({
  name: z.string(),
  subPath: z.string().optional().describe('Directory of the volume to use.'),
  volumeClaimTemplate: preservedObject<PersistentVolumeClaimTemplate>()
    .optional()
    .describe('Claim to create for this run, as core/v1 PersistentVolumeClaim.'),
  persistentVolumeClaim: z.object({ claimName: z.string(), readOnly: z.boolean().optional() }).optional(),
  emptyDir: preservedObject<{ medium?: string; sizeLimit?: string }>()
    .optional()
    .describe('A directory that lives as long as the pod.'),
  configMap: preservedObject<{
    name?: string;
    items?: unknown[];
    defaultMode?: number;
    optional?: boolean;
  }>().optional(),
  secret: preservedObject<{
    secretName?: string;
    items?: unknown[];
    defaultMode?: number;
    optional?: boolean;
  }>().optional(),
  projected: preservedObject<{ sources?: unknown[]; defaultMode?: number }>().optional(),
  csi: preservedObject<{ driver: string } & Record<string, unknown>>().optional(),
});
export type WorkspaceBinding = z.infer<typeof workspaceBinding>;

/** Declared by a Pipeline. */
export const pipelineWorkspaceDeclaration = z.object({
  name: z.string(),
  description: z.string().optional(),
  optional: z.boolean().optional(),
});
export type PipelineWorkspaceDeclaration = z.infer<typeof pipelineWorkspaceDeclaration>;

/** Maps a Task's workspace to one of the Pipeline's (same name when `workspace` is left out). */
export const workspacePipelineTaskBinding = z.object({
  name: z.string(),
  workspace: z.string().optional(),
  subPath: z.string().optional(),
});
export type WorkspacePipelineTaskBinding = z.infer<typeof workspacePipelineTaskBinding>;
