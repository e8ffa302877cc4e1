/** Static Go binaries for images: the same bytes from the same sources, wherever the checkout lies. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inTemporaryFolder } from './files.ts';

const run = promisify(execFile);
const FLAGS = ['-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];

/**
 * Builds package `target` (`./nop`, or an import path) of the Go module in folder `module`. Throws the compiler's own
 * words.
 */
export async function goBinary(module: string, target: string): Promise<Buffer> {
  return inTemporaryFolder(async (dir) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64' };
    try {
      await run('go', ['build', ...FLAGS, '-o', join(dir, 'out'), target], { cwd: module, env, maxBuffer: 16 << 20 });
    } catch (error) {
      const { code, stderr = '' } = error as NodeJS.ErrnoException & { stderr?: string };
      if (code === 'ENOENT')
        throw new Error('the command go was not found: install Go 1.26 or newer (https://go.dev/dl)', { cause: error });
      throw new Error(`go build ${target} in ${module} failed:\n${stderr.trim().slice(-2000)}`, { cause: error });
    }
    return readFile(join(dir, 'out'));
  });
}
