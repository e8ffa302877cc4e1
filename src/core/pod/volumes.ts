import type { Volume, VolumeMount } from '../../api/core/container.ts';
import { annotations } from '../labels.ts';
import { paths } from './names.ts';

const names = {
  workspace: 'tekton-internal-workspace',
  home: 'tekton-internal-home',
  results: 'tekton-internal-results',
  steps: 'tekton-internal-steps',
  artifacts: 'tekton-internal-artifacts',
  bin: 'tekton-internal-bin',
  scripts: 'tekton-internal-scripts',
  downward: 'tekton-internal-downward',
  spiffe: 'spiffe-workload-api',
} as const;

function emptyDir(name: string): Volume {
  return { name, emptyDir: {} };
}

function runVolume(index: number): string {
  return `tekton-internal-run-${index}`;
}

function credsVolume(index: number): string {
  return `tekton-creds-init-home-${index}`;
}

export interface PodShape {
  steps: number;
  hasScripts: boolean;
  credentials: boolean;
  /** Flag keep-pod-on-cancel: a cancel annotation reaches the steps through a file. */
  cancelFile: boolean;
  /** Steps sign what they report, by means of SPIRE. */
  signed: boolean;
}

/** The volumes of a pod that are ours. */
export function internalVolumes(shape: PodShape): Volume[] {
  const volumes = [names.workspace, names.home, names.results, names.steps, names.artifacts, names.bin].map(emptyDir);
  if (shape.hasScripts) volumes.push(emptyDir(names.scripts));
  for (let index = 0; index < shape.steps; index++) {
    if (shape.credentials) volumes.push({ name: credsVolume(index), emptyDir: { medium: 'Memory' } });
    volumes.push(emptyDir(runVolume(index)));
  }
  if (shape.signed) volumes.push({ name: names.spiffe, csi: { driver: 'csi.spiffe.io', readOnly: true } });
  return [...volumes, { name: names.downward, downwardAPI: { items: downwardFiles(shape.cancelFile) } }];
}

function downwardFiles(cancelFile: boolean): object[] {
  const file = (path: string, annotation: string) => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${annotation}']` },
  });
  return [
    file(paths.readyFile, annotations.ready),
    ...(cancelFile ? [file(paths.cancelFile, annotations.cancel)] : []),
  ];
}

/** Mounts of step `index`. Each step may write its own state only; none may write the binary or another's state. */
export function stepMounts(index: number, hasScript: boolean, shape: PodShape): VolumeMount[] {
  const runs = Array.from({ length: shape.steps }, (_, other): VolumeMount => ({
    name: runVolume(other),
    mountPath: `${paths.run}/${other}`,
    ...(other === index ? {} : { readOnly: true }),
  }));
  return [
    ...(hasScript ? [scriptMount] : []),
    ...(index === 0 || shape.cancelFile ? [{ name: names.downward, mountPath: paths.downward, readOnly: true }] : []),
    ...(shape.credentials ? [{ name: credsVolume(index), mountPath: paths.creds }] : []),
    ...runs,
    { name: names.bin, mountPath: paths.bin, readOnly: true },
    { name: names.workspace, mountPath: paths.workspace },
    { name: names.home, mountPath: paths.home },
    { name: names.results, mountPath: paths.results },
    { name: names.steps, mountPath: paths.steps, readOnly: true },
    { name: names.artifacts, mountPath: paths.artifacts },
    ...(shape.signed ? [{ name: names.spiffe, mountPath: paths.spiffe, readOnly: true }] : []),
  ];
}

/** Mount of a step or sidecar with a script. */
export const scriptMount: VolumeMount = { name: names.scripts, mountPath: paths.scripts, readOnly: true };

/** Mounts of the results sidecar: what steps leave, to be read only. */
export function resultsSidecarMounts(steps: number): VolumeMount[] {
  const runs = Array.from({ length: steps }, (_, index): VolumeMount => ({
    name: runVolume(index),
    mountPath: `${paths.run}/${index}`,
    readOnly: true,
  }));
  return [
    ...runs,
    { name: names.results, mountPath: paths.results, readOnly: true },
    { name: names.artifacts, mountPath: paths.artifacts, readOnly: true },
  ];
}

/** Mounts of the init container: all that it writes. */
export function prepareMounts(shape: PodShape, workingDirs: boolean): VolumeMount[] {
  return [
    { name: names.bin, mountPath: paths.bin },
    { name: names.steps, mountPath: paths.steps },
    ...(shape.hasScripts ? [{ name: names.scripts, mountPath: paths.scripts }] : []),
    ...(workingDirs ? [{ name: names.workspace, mountPath: paths.workspace }] : []),
  ];
}

/** `own` first, then those of `added` whose path nothing is mounted at yet. */
export function withMounts(own: readonly VolumeMount[] | undefined, added: readonly VolumeMount[]): VolumeMount[] {
  const taken = new Set((own ?? []).map((mount) => clean(mount.mountPath)));
  return [...(own ?? []), ...added.filter((mount) => !taken.has(clean(mount.mountPath)))];
}

function clean(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
