/** The processes of one local Sigstore: each with a pid file, a log and a health check, ended together. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { lastLines } from '../command.ts';
import { messageOf } from '../../src/errors.ts';
import { waitUntilHealthy } from '../one-node/healthy.ts';
import { isRunning, startDetached, stopStarted } from '../one-node/process.ts';

export interface Service {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Undefined when it does its work, else what is wrong. */
  readonly healthy: (signal: AbortSignal) => Promise<string | undefined>;
}

export interface Supervision {
  readonly folder: string;
  /** Whether the services go on when the process that starts them ends, however it ends. */
  readonly outlive: boolean;
  readonly signal: AbortSignal;
}

const START_TIMEOUT_MS = 60_000;
/** Short, and all at once: nothing of what they hold is used again. */
const GRACE_MS = 2_000;

/**
 * Starts a service and waits until it is healthy. Throws with its name, its complaint and the last lines of its log.
 */
export async function startService(service: Service, { folder, outlive, signal }: Supervision): Promise<void> {
  const logFile = path.join(folder, 'log', `${service.name}.log`);
  await mkdir(path.dirname(logFile), { recursive: true });
  await mkdir(path.join(folder, 'run'), { recursive: true });
  // The kernel ends the service when its starter dies, even by kill -9: a test run never leaves one behind.
  const argv = outlive ? service.argv : ['setpriv', '--pdeathsig', 'TERM', ...service.argv];
  const env = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, ...service.env };
  const started = await startDetached({
    argv,
    env,
    logFile,
    pidFile: path.join(folder, 'run', `${service.name}.pid`),
    fingerprint: '',
  });
  const check = async (): Promise<string | undefined> => {
    if (!isRunning(started)) throw new Error('it ended');
    return service.healthy(signal);
  };
  try {
    await waitUntilHealthy(check, { timeoutMs: START_TIMEOUT_MS, everyMs: 50, signal });
  } catch (error) {
    signal.throwIfAborted();
    const log = lastLines(await readFile(logFile, 'utf8').catch(() => ''), 15);
    throw new Error(`${service.name} does not start: ${messageOf(error)}\n${log}`, { cause: error });
  }
}

/** Ends every service of the folder. */
export async function stopServices(folder: string): Promise<void> {
  await Promise.all((await pidFiles(folder)).map((file) => stopStarted(path.join(folder, 'run', file), GRACE_MS)));
}

async function pidFiles(folder: string): Promise<string[]> {
  const run = path.join(folder, 'run');
  await mkdir(run, { recursive: true });
  return (await readdir(run)).filter((name) => name.endsWith('.pid')).sort();
}

/** A health check: the URL answers with a status below 300. */
export function answers(url: string): (signal: AbortSignal) => Promise<string | undefined> {
  return async (signal) => {
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]) });
      await response.arrayBuffer();
      return response.ok ? undefined : `${url} answers ${response.status}`;
    } catch (error) {
      return `${url}: ${messageOf(error)}`;
    }
  };
}

/** Ports nobody listens on now, all different. */
export async function freePorts(address: string, count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(address)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(address: string): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, address, () => resolve(server));
  });
}
