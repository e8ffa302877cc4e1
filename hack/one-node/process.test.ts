import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isRunning, readStarted, startDetached, stopProcess, stopStarted } from './process.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'process-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const start = (script: string) =>
  startDetached({
    argv: ['sh', '-c', script],
    env: { A: 'b' },
    logFile: join(folder, 'log'),
    pidFile: join(folder, 'pid'),
    fingerprint: 'f',
  });

describe('detached processes', () => {
  it('are found again by their pid file, and end on SIGTERM', async () => {
    const started = await start('exec sleep 60');
    expect(await readStarted(join(folder, 'pid'))).toEqual(started);
    expect(isRunning(started)).toBe(true);
    await stopStarted(join(folder, 'pid'), 5_000);
    expect(isRunning(started)).toBe(false);
    expect(await readStarted(join(folder, 'pid'))).toBeUndefined();
  });

  it('are killed when they do not listen', async () => {
    const started = await start('trap "" TERM; echo ready; while :; do sleep 0.05; done');
    while (!(await readFile(join(folder, 'log'), 'utf8')).includes('ready'))
      await new Promise((wake) => setTimeout(wake, 10));
    await stopProcess(started, 200);
    expect(isRunning(started)).toBe(false);
  });

  it.each([
    ['another start time', { startTicks: '1' }],
    ['another boot', { bootId: 'another' }],
  ])('are told from a process of the same id with %s, which is left alone', async (_, difference) => {
    const bystander = spawn('sleep', ['60']);
    const stale = { ...identify(bystander.pid as number), ...difference };
    expect(isRunning(stale)).toBe(false);
    await stopProcess(stale, 100);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill();
  });
});
