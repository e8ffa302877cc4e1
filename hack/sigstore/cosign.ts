/**
 * Runs a real cosign, cut off from everything but what it is given: no TUF repository, no credentials of the machine.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { attempt, command, type CommandResult } from '../command.ts';
import { tool } from '../one-node/binaries.ts';

export type CosignLine = 'v2' | 'v3';
export const COSIGN_LINES: readonly CosignLine[] = ['v2', 'v3'];

const COSIGN_TIMEOUT_MS = 120_000;

export interface Cosign {
  readonly line: CosignLine;
  /** Runs it to its end, whatever its status. */
  try(...args: readonly string[]): Promise<CommandResult>;
  /** Runs it and returns its standard output. Throws with the command line and the last lines that it printed. */
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
  const options = { env: environment, bareEnvironment: true, cwd: home, timeoutMs: COSIGN_TIMEOUT_MS };
  return {
    line,
    try: (...args) => attempt([program, ...args], options),
    run: (...args) => command([program, ...args], options),
  };
}
