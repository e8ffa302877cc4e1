import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemNamespace } from '../../hack/deploy/install.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';

/** Steps that end without a word to the next: nobody waits for the run's hour to be over. */
const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('hand-over');

async function setDefaults(data: Record<string, string | null>): Promise<void> {
  await bench.client.patch(configMaps, systemNamespace, 'config-defaults', { type: 'merge', body: { data } });
}

/** Kills the first process of a container from outside, as the kernel does that is out of memory. */
async function killContainer(id: string): Promise<void> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const inside = await Promise.all(
    processes.map(async (pid) => (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(id)),
  );
  const first = processes.filter((_, index) => inside[index]).sort((a, b) => a - b)[0];
  if (first === undefined) throw new Error(`container ${id} has no process`);
  process.kill(first, 'SIGKILL');
}

describe.concurrent('a step that ends without a word to the next', () => {
  // The second step is not up for long: nobody gives up on its image.
  beforeAll(() => setDefaults({ 'default-imagepullbackoff-timeout': '5m' }));
  afterAll(() => setDefaults({ 'default-imagepullbackoff-timeout': null }));

  it('its container cannot start', async () => {
    const run = await bench.runTask({
      taskSpec: {
        steps: [
          { name: 'odd', image, workingDir: '/etc/passwd', command: ['true'] },
          { name: 'next', image, command: ['true'] },
        ],
      },
    });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'StepFailed',
      message: expect.stringMatching(/^"step-odd" exited with code 128: StartError: .*not a directory/) as string,
    });
    expect(run.status?.steps).toMatchObject([
      { name: 'odd', terminationReason: 'StartError' },
      { name: 'next', terminated: { exitCode: 1 } },
    ]);
  });

  it('it is killed before the next is up', async () => {
    const started = await bench.startTask({
      taskSpec: {
        steps: [
          { name: 'victim', image, command: ['sleep', '600'] },
          { name: 'late', image: 'docker.io/library/not-there-yet:1', command: ['true'] },
        ],
      },
    });
    const run = await bench.waitFor(started, ({ status }) => status?.podName !== undefined);
    const id = await vi.waitFor(
      async () => {
        const { status } = await bench.client.get(pods, bench.namespace, run.status?.podName ?? '');
        const victim = status?.containerStatuses?.find(({ name }) => name === 'step-victim');
        expect(victim?.state?.running).toBeDefined();
        return (victim?.containerID ?? '').replace(/^.*:\/\//, '');
      },
      { timeout: 30_000, interval: 100 },
    );
    await killContainer(id);
    const ended = await bench.waitFor(run);
    expect(succeededCondition(ended.status)).toMatchObject({
      status: 'False',
      reason: 'StepFailed',
      message: '"step-victim" exited with code 137: Error',
    });
  });
});
