import { readFile } from 'node:fs/promises';
import { command } from '../command.ts';

interface Mount {
  readonly point: string;
  readonly type: string;
}

/** Mount points at or below a path, in the order to unmount them: the last mounted first. */
export async function mountPointsBelow(path: string): Promise<string[]> {
  const points = (await mounts()).map((mount) => mount.point);
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse();
}

/** Where control groups are mounted: one tree on cgroup v2, one per controller on v1. */
export async function cgroupTrees(): Promise<{ version: 1 | 2; points: string[] }> {
  const groups = (await mounts()).filter((mount) => mount.type === 'cgroup' || mount.type === 'cgroup2');
  const version = groups.some((mount) => mount.type === 'cgroup') ? 1 : 2;
  return { version, points: groups.map((mount) => mount.point) };
}

/** Unmounts everything at or below a path. Lazily: a volume that something still holds must not stop the rest. */
export async function unmountBelow(path: string): Promise<void> {
  const points = await mountPointsBelow(path);
  for (let start = 0; start < points.length; start += 100)
    await command(['umount', '--lazy', ...points.slice(start, start + 100)]);
}

/**
 * /proc/self/mountinfo: field 5 is the mount point, the field after " - " the type; blanks are written as octal
 * escapes.
 */
async function mounts(): Promise<Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const point = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      );
      return { point, type: after.split(' ')[0] ?? '' };
    });
}
