/** Static Go binaries for images: the same bytes from the same sources, wherever the checkout lies. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, CommandError } from '../command.ts';
import type { Architecture } from './architecture.ts';
import { inTemporaryFolder } from './files.ts';

const FLAGS = ['-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];

/**
 * Builds package `target` (`./nop`, or an import path) of the Go module in folder `module`, for any processor on any.
 * Throws the compiler's own words.
 */
export async function goBinary(module: string, target: string, architecture: Architecture): Promise<Buffer> {
  return inTemporaryFolder(async (dir) => {
    const env = { CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture };
    try {
      await command(['go', 'build', ...FLAGS, '-o', join(dir, 'out'), target], { cwd: module, env });
    } catch (error) {
      if (error instanceof CommandError && error.notStarted)
        throw new Error('the command go was not found: install Go 1.26 or newer (https://go.dev/dl)', { cause: error });
      throw new Error(`go build ${target} in ${module} failed`, { cause: error });
    }
    return readFile(join(dir, 'out'));
  });
}
