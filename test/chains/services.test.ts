/**
 * The processes of a local Sigstore leave nothing behind: neither after stop(), nor after the death of who started
 * them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { isRunning, type Started } from '../../hack/one-node/process.ts';
import { startService } from '../../hack/sigstore/services.ts';
import { startSigstore } from '../../hack/sigstore/start.ts';

async function servicesOf(folder: string): Promise<Started[]> {
  const run = path.join(folder, 'run');
  const files = (await readdir(run)).filter((name) => name.endsWith('.pid'));
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(path.join(run, name), 'utf8')) as Started));
}

it('stop() ends every process and removes the folder', async () => {
  const sigstore = await startSigstore({ timestampAuthority: true, rekor: true });
  const services = await servicesOf(sigstore.folder);
  // Database, two of Trillian, Rekor, timestamps.
  expect(services.map(isRunning)).toEqual([true, true, true, true, true]);
  await sigstore.stop();
  expect(services.map(isRunning)).toEqual([false, false, false, false, false]);
  await expect(access(sigstore.folder)).rejects.toThrow();
});

it('kill -9 of the starter ends them too', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstore-killed-'));
  const start = path.resolve(import.meta.dirname, '../../hack/sigstore/start.ts');
  const script = `const { startSigstore } = await import(${JSON.stringify(start)}); await startSigstore({ timestampAuthority: true, folder: ${JSON.stringify(folder)} }); console.log('up'); setInterval(() => {}, 1000);`;
  const starter = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(starter.stdout, 'data');
  const services = await servicesOf(folder);
  expect(services.map(isRunning)).toEqual([true]);
  starter.kill('SIGKILL');
  await vi.waitFor(() => expect(services.map(isRunning)).toEqual([false]), { timeout: 10_000 });
  await rm(folder, { recursive: true, force: true });
});

it('a service that cannot start is named, with the last lines of its log', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstore-broken-'));
  const service = {
    name: 'broken',
    argv: ['sh', '-c', 'echo the disk is full; exit 3'],
    healthy: async () => 'not yet',
  };
  const supervision = { folder, outlive: false, signal: new AbortController().signal };
  await expect(startService(service, supervision)).rejects.toThrow(
    /^broken does not start: it ended\nthe disk is full$/,
  );
  await rm(folder, { recursive: true, force: true });
});

it('a start that fails leaves nothing running', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sigstore-broken-'));
  await expect(startSigstore({ rekor: true, address: '192.0.2.1', folder })).rejects.toThrow(/192\.0\.2\.1/); // an address of no machine here
  expect(await servicesOf(folder)).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});
