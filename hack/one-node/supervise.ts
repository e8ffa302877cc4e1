/** Starting, checking and stopping one part of an instance. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lastLines } from '../command.ts';
import { messageOf } from '../../src/errors.ts';
import { say } from '../progress.ts';
import { waitUntilHealthy } from './healthy.ts';
import { statePath, type Instance } from './instance.ts';
import { inNamespace, namespaceIdentity } from './network.ts';
import { PART_PATH, type Launch, type Part } from './part.ts';
import { isRunning, readStarted, startDetached, stopStarted, type Started } from './process.ts';

const READY_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 5_000;
const LOG_LINES = 20;
/** The parts are Go programs: their collector took a fifth of their time, and a machine for tests has the memory. */
const COLLECTOR = { GOGC: '400' };

export function logFile(instance: Instance, part: string): string {
  return statePath(instance.name, 'log', `${part}.log`);
}

export function pidFile(instance: Instance, part: string): string {
  return statePath(instance.name, 'run', `${part}.json`);
}

/** The part's process if it runs. */
export async function runningProcess(instance: Instance, part: string): Promise<Started | undefined> {
  const started = await readStarted(pidFile(instance, part));
  return started !== undefined && isRunning(started) ? started : undefined;
}

/**
 * Starts the part unless it runs already as it should: same binary, arguments, configuration and namespace. Returns
 * when it is healthy. Throws with the part's name and the end of its log when it dies or stays unhealthy for 90 s.
 */
export async function ensurePart(
  instance: Instance,
  part: Part,
  binary: (name: string) => string,
  signal?: AbortSignal,
): Promise<void> {
  const launch = part.launch(instance, binary);
  const argv = inNamespace(instance, launch.argv);
  const env = { HOME: '/root', PATH: PART_PATH, ...COLLECTOR, ...launch.env };
  const fingerprint = fingerprintOf(instance, argv, env, launch);
  const running = await runningProcess(instance, part.name);
  if (running === undefined || running.fingerprint !== fingerprint) {
    if (running !== undefined) say(`${part.name} has other settings now: restarting it`);
    await stopStarted(pidFile(instance, part.name), STOP_GRACE_MS);
    await writeLaunchFiles(launch);
    await startDetached({
      argv,
      env,
      logFile: logFile(instance, part.name),
      pidFile: pidFile(instance, part.name),
      fingerprint,
    });
  }
  await waitForPart(instance, part, signal);
  await part.onHealthy?.(instance, binary);
}

/** Stops one part; a later `up` starts it again. */
export function stopPart(instance: Instance, part: Part): Promise<void> {
  return stopStarted(pidFile(instance, part.name), STOP_GRACE_MS);
}

async function waitForPart(instance: Instance, part: Part, signal?: AbortSignal): Promise<void> {
  const check = async () => {
    if ((await runningProcess(instance, part.name)) === undefined) throw new Error('its process ended');
    return part.health(instance).catch(messageOf);
  };
  try {
    await waitUntilHealthy(check, { timeoutMs: READY_TIMEOUT_MS, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const log = await logTail(instance, part.name);
    throw new Error(
      `${part.name} does not work: ${messageOf(error)}\nlast lines of ${logFile(instance, part.name)}:\n${log}`,
      { cause: error },
    );
  }
}

/** The end of a part's log. */
export async function logTail(instance: Instance, part: string, lines = LOG_LINES): Promise<string> {
  const text = await readFile(logFile(instance, part), 'utf8').catch(() => '');
  return lastLines(text, lines);
}

function fingerprintOf(instance: Instance, argv: readonly string[], env: object, launch: Launch): string {
  const what = [namespaceIdentity(instance), argv, env, launch.files ?? {}];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex');
}

async function writeLaunchFiles({ files = {}, folders = [] }: Launch): Promise<void> {
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** Seconds since the part was started. */
export function uptimeSeconds(started: Started): number {
  return Math.round((Date.now() - Date.parse(started.startedAt)) / 1000);
}

/** A log of this size or more is emptied at `up`, so that a cluster that lives for weeks does not fill the disk. */
export async function trimLogs(instance: Instance, part: string, limitBytes = 64 << 20): Promise<void> {
  const path = logFile(instance, part);
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  if (size >= limitBytes) await writeFile(path, '');
}
