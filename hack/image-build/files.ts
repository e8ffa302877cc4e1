/** What several builders need from the file system and the machine. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs `work` with a new folder that is removed afterwards, also when it throws. */
export async function inTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'tektite-image-'))
  try {
    return await work(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

export function sha256Hex(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Installs `debianPackage` with apt-get when `command` is not on the path. */
export async function ensureCommand(command: string, debianPackage: string, progress: (line: string) => void): Promise<void> {
  for (const folder of (process.env['PATH'] ?? '').split(':')) if (await exists(join(folder, command))) return
  progress(`installing Debian package ${debianPackage} for the command ${command}`)
  try {
    await run('apt-get', ['-q', 'install', '--yes', '--no-install-recommends', debianPackage])
  } catch (error) {
    throw new Error(`the command ${command} is missing and apt-get could not install ${debianPackage}: install it yourself`, { cause: error })
  }
}
