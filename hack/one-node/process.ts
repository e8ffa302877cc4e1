/**
 * Detached processes that outlive this command: started, recognised again, and ended, each by an identity that no other
 * process has.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process id alone is reused; with its start time and the machine's boot it is not. */
export interface Identity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  readonly bootId: string;
}

/** What a pid file holds. */
export interface Started extends Identity {
  /** Command line and environment as given: another one means that the part must be restarted. */
  readonly fingerprint: string;
  readonly startedAt: string;
}

/** The identity of a process that runs now. Throws when there is none. */
export function identify(pid: number): Identity {
  const stat = statOf(pid);
  if (stat === undefined) throw new Error(`process ${pid} is not running`);
  return { pid, startTicks: stat.startTicks, bootId: bootId() };
}

/** Whether that very process still runs; a zombie does not. */
export function isRunning(identity: Identity): boolean {
  const stat = statOf(identity.pid);
  return (
    stat !== undefined && stat.state !== 'Z' && stat.startTicks === identity.startTicks && identity.bootId === bootId()
  );
}

/** Reads a pid file. Undefined when there is none, or a half-written one. */
export async function readStarted(pidFile: string): Promise<Started | undefined> {
  try {
    return JSON.parse(await readFile(pidFile, 'utf8')) as Started;
  } catch {
    return undefined;
  }
}

export interface StartOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly pidFile: string;
  readonly fingerprint: string;
}

/** Starts a process in a session of its own, its output appended to the log. */
export async function startDetached({ argv, env, logFile, pidFile, fingerprint }: StartOptions): Promise<Started> {
  const [command, ...args] = argv;
  if (command === undefined) throw new Error(`${pidFile}: no command to start`);
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env: { ...env }, cwd: '/' });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    if (child.pid === undefined) throw new Error(`${command}: started without a process id`);
    const started = { ...identify(child.pid), fingerprint, startedAt: new Date().toISOString() };
    await writeFile(pidFile, JSON.stringify(started));
    return started;
  } finally {
    closeSync(log);
  }
}

/**
 * Ends a process: SIGTERM, then SIGKILL after `graceMs`. Returns when it is gone. Never touches another process of the
 * same id.
 */
export async function stopProcess(identity: Identity, graceMs: number): Promise<void> {
  if (graceMs > 0) signalIfRunning(identity, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (isRunning(identity) && Date.now() < deadline) await sleep(20);
  signalIfRunning(identity, 'SIGKILL');
  while (isRunning(identity)) await sleep(10);
}

/** Ends what the pid file names and removes the file. */
export async function stopStarted(pidFile: string, graceMs: number): Promise<void> {
  const started = await readStarted(pidFile);
  if (started !== undefined) await stopProcess(started, graceMs);
  await rm(pidFile, { force: true });
}

function signalIfRunning(identity: Identity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function statOf(pid: number): { state: string; startTicks: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before it may hold spaces; field 3 comes first
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

let knownBootId: string | undefined;
function bootId(): string {
  knownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return knownBootId;
}
