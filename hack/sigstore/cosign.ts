/**
 * Runs a real cosign, cut off from everything but what it is given: no TUF repository, no credentials of the machine.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { tool } from '../one-node/binaries.ts';

export type CosignLine = 'v2' | 'v3';
export const COSIGN_LINES: readonly CosignLine[] = ['v2', 'v3'];

export interface CosignResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cosign {
  readonly line: CosignLine;
  /** Runs it to its end, whatever its status. */
  try(...args: readonly string[]): Promise<CosignResult>;
  /** Runs it and returns its standard output. Throws with the command line and all it said. */
  run(...args: readonly string[]): Promise<string>;
}

/** A cosign that keeps its state in `folder` and whose key passwords are `password`. */
export async function cosign(
  line: CosignLine,
  { folder, env = {}, password = '' }: { folder: string; env?: Readonly<Record<string, string>>; password?: string },
): Promise<Cosign> {
  const program = await tool(`cosign-${line}`);
  const home = path.join(folder, `cosign-${line}`);
  await mkdir(path.join(home, '.docker'), { recursive: true });
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    DOCKER_CONFIG: path.join(home, '.docker'),
    TUF_ROOT: path.join(home, 'tuf'),
    TUF_MIRROR: 'http://127.0.0.1:9', // the discard port: a cosign that would fetch roots of trust fails at once
    COSIGN_PASSWORD: password,
    ...env,
  };
  const attempt = (args: readonly string[]): Promise<CosignResult> =>
    new Promise((resolve) => {
      execFile(
        program,
        [...args],
        { env: environment, cwd: home, maxBuffer: 1 << 26, timeout: 120_000 },
        (error, stdout, stderr) => {
          const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ status, stdout, stderr });
        },
      );
    });
  return {
    line,
    try: (...args) => attempt(args),
    async run(...args) {
      const { status, stdout, stderr } = await attempt(args);
      if (status !== 0) throw new Error(`cosign ${line} ${args.join(' ')}: status ${status}\n${stderr}${stdout}`);
      return stdout;
    },
  };
}
