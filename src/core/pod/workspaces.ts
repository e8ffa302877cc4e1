import type { Volume, VolumeMount } from '../../api/core/container.ts';
import type { Sidecar, Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { WorkspaceBinding, WorkspaceDeclaration } from '../../api/pipeline/v1/workspace.ts';
import { shortHash } from '../naming.ts';
import { paths } from './names.ts';

/** Where a workspace is mounted: its mountPath, or /workspace/<name>. */
export function mountPathOf(declaration: WorkspaceDeclaration): string {
  return declaration.mountPath || `${paths.workspace}/${declaration.name}`;
}

/**
 * The Task's workspaces, and those that only the run binds: embedded specs may use them undeclared (propagated
 * workspaces).
 */
export function allDeclarations(spec: TaskSpec, bindings: readonly WorkspaceBinding[]): WorkspaceDeclaration[] {
  const declared = spec.workspaces ?? [];
  const names = new Set(declared.map((declaration) => declaration.name));
  return [
    ...declared,
    ...bindings.filter((binding) => !names.has(binding.name)).map((binding) => ({ name: binding.name })),
  ];
}

/** Two workspaces of one pod under one name would be one volume: 20 hex digits do not meet by chance or by search. */
const volumeHashLength = 20;

/**
 * A volume for each binding, by workspace name. Bindings of the same claim share one: a pod may mount a claim only
 * once.
 */
export function workspaceVolumes(bindings: readonly WorkspaceBinding[], owner: string): Map<string, Volume> {
  const claims = new Map<string, Volume>();
  const volumes = new Map<string, Volume>();
  for (const binding of bindings) {
    const source = sourceOf(binding);
    if (source === undefined) continue;
    const volume: Volume = { name: `ws-${shortHash(`${owner}/${binding.name}`, volumeHashLength)}`, ...source };
    const claim = binding.persistentVolumeClaim?.claimName;
    if (claim === undefined) volumes.set(binding.name, volume);
    else {
      const shared = claims.get(claim) ?? volume;
      claims.set(claim, shared);
      volumes.set(binding.name, shared);
    }
  }
  return volumes;
}

function sourceOf(binding: WorkspaceBinding): Record<string, unknown> | undefined {
  const { persistentVolumeClaim, emptyDir, configMap, secret, projected, csi } = binding;
  if (persistentVolumeClaim) return { persistentVolumeClaim };
  if (emptyDir) return { emptyDir };
  if (configMap) return { configMap };
  if (secret) return { secret };
  if (projected) return { projected };
  return csi ? { csi } : undefined;
}

/**
 * Steps and sidecars with their workspaces mounted, and the volumes for it. A workspace that some step or sidecar takes
 * for itself is mounted only there; any other in all of them, except where something else is mounted at its path.
 */
export function mountWorkspaces(
  spec: TaskSpec,
  bindings: readonly WorkspaceBinding[],
  owner: string,
): { steps: Step[]; sidecars: Sidecar[]; volumes: Volume[] } {
  const volumes = workspaceVolumes(bindings, owner);
  const declarations = new Map(allDeclarations(spec, bindings).map((declaration) => [declaration.name, declaration]));
  const isolated = new Set(
    [...(spec.steps ?? []), ...(spec.sidecars ?? [])]
      .flatMap((container) => container.workspaces ?? [])
      .map((usage) => usage.name),
  );
  const mounts = bindings.flatMap((binding): { name: string; mount: VolumeMount }[] => {
    const declaration = declarations.get(binding.name);
    const volume = volumes.get(binding.name);
    if (!declaration || !volume) return [];
    const mount: VolumeMount = { name: volume.name, mountPath: mountPathOf(declaration) };
    if (binding.subPath) mount.subPath = binding.subPath;
    if (declaration.readOnly) mount.readOnly = true;
    return [{ name: binding.name, mount }];
  });

  const mounted = <T extends Step | Sidecar>(container: T): T => {
    const own = container.volumeMounts ?? [];
    const taken = new Set(own.map((other) => other.mountPath));
    const usages = new Map((container.workspaces ?? []).toReversed().map((usage) => [usage.name, usage]));
    const added = mounts.flatMap(({ name, mount }): VolumeMount[] => {
      if (!isolated.has(name)) return taken.has(mount.mountPath) ? [] : [mount];
      const usage = usages.get(name);
      return usage ? [{ ...mount, mountPath: usage.mountPath || mount.mountPath }] : [];
    });
    return added.length === 0 ? container : { ...container, volumeMounts: [...own, ...added] };
  };

  return {
    steps: (spec.steps ?? []).map(mounted),
    sidecars: (spec.sidecars ?? []).map(mounted),
    volumes: [...new Map([...volumes.values()].map((volume) => [volume.name, volume])).values()],
  };
}
