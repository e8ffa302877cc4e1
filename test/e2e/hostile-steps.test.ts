import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskSpec } from '../../src/api/pipeline/v1/task.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { secrets } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation } from './installation.ts';

const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('hostile-steps');
const secret = 'SIGNING-KEY-OF-THE-LATER-STEP';

/** A step that plants something, and one with a secret that comes after it. */
function taskOf(plant: string, later: string[] = ['true']): TaskSpec {
  return {
    results: [{ name: 'note' }],
    volumes: [{ name: 'key', secret: { secretName: 'key' } }],
    steps: [
      { name: 'hostile', image, results: [{ name: 'inner' }], script: `#!/bin/sh\n${plant}\n` },
      {
        name: 'signer',
        image,
        env: [{ name: 'TOKEN', value: secret }],
        volumeMounts: [{ name: 'key', mountPath: '/key' }],
        command: later,
      },
    ],
  };
}

const said = (run: TaskRun) => {
  const { status, reason, message } = succeededCondition(run.status) ?? {};
  return `${status} ${reason}: ${message}`;
};

describe('what a step plants for the next', () => {
  const result = '/tekton/results/note';
  const inner = '/tekton/steps/step-hostile/results/inner';
  it.each([
    ['a link to the file of a later step', `ln -s /key/key ${result}`, `${result} is a symbolic link`],
    ['a link to the environment of a later step', `ln -s /proc/self/environ ${result}`, `${result} is a symbolic link`],
    ['a pipe', `mkfifo ${result}`, `${result} is a named pipe`],
    ['a folder', `mkdir ${result}`, `${result} is a directory`],
    ['a device', `mknod ${result} c 1 5`, `${result} is a device`],
    ['a gigabyte', `truncate -s 1G ${result}`, 'task result "note" has 1073741824 bytes'],
    ['a step result that is a link', `ln -s /key/key ${inner}`, '/status/results/inner is a symbolic link'],
    ['artifacts that are a link', 'ln -s /key/key /tekton/artifacts/provenance.json', "the Task's artifacts: "],
  ])('%s fails it by name, and nothing of the next is told', async (_name, plant, why) => {
    await bench.create(secrets, { metadata: { name: 'key' }, stringData: { key: secret } }).catch(() => undefined);
    const run = await bench.runTask({ taskSpec: taskOf(plant) });
    expect(said(run)).toContain('False ');
    expect(said(run)).toContain('"step-hostile" exited with code 1');
    expect(said(run)).toContain(why);
    expect(JSON.stringify(run.status?.results ?? [])).not.toContain(secret);
    expect(JSON.stringify(run.status?.steps)).not.toContain(secret);
  });

  it('after it was looked at goes to nobody', async () => {
    // Left behind in a session of its own, it plants once the step's result has been read.
    const late = `printf good > ${result}; setsid sh -c 'while [ ! -e /tekton/run/0/out ]; do :; done; ln -sf /key/key ${result}' &`;
    const run = await bench.runTask({ taskSpec: taskOf(late, ['sleep', '1']) });
    expect(JSON.stringify(run.status?.results ?? [])).not.toContain(secret);
    expect(said(run)).toMatch(/^True Succeeded|is a symbolic link/);
  });
});

describe('results in a pod of many containers', () => {
  it.each([3, 10, 28])(
    'of %i steps are all there, or the run fails by name',
    async (count) => {
      const steps = Array.from({ length: count }, (_, index) => ({
        name: `s${index}`,
        image,
        script: `#!/bin/sh\nhead -c 200 /dev/zero | tr '\\0' x > /tekton/results/r${index}\n`,
      }));
      const results = steps.map((_, index) => ({ name: `r${index}` }));
      const run = await bench.waitFor(await bench.startTask({ taskSpec: { results, steps } }), undefined, 180);
      expect(said(run)).toContain('True Succeeded');
      expect((run.status?.results ?? []).map(({ value }) => String(value).length)).toEqual(steps.map(() => 200));
    },
    200_000,
  );

  it('that do not fit fail the run and say which', async () => {
    const filler = Array.from({ length: 7 }, (_, index) => ({ name: `f${index}`, image, command: ['true'] }));
    const large = {
      name: 'large',
      image,
      script: "#!/bin/sh\nhead -c 2000 /dev/zero | tr '\\0' x > /tekton/results/r\n",
    };
    const run = await bench.runTask({ taskSpec: { results: [{ name: 'r' }], steps: [large, ...filler] } });
    expect(said(run)).toMatch(
      /^False TaskRunResultLargerThanAllowedLimit: "step-large" exited with code 1: .*task result "r" has 2000 bytes.*1365.*workspace/,
    );
  });
});

describe('a guard in CEL', () => {
  let installation: Installation;
  const allow = (isAllowed: boolean | null) => {
    const data = { 'enable-cel-in-whenexpression': isAllowed === null ? null : String(isAllowed) };
    const patch = JSON.stringify({ data });
    return installation.kubectl(['patch', 'configmap', 'feature-flags', '--type=merge', '--patch', patch]);
  };
  beforeAll(async () => {
    installation = await Installation.open();
    await allow(true);
  });
  afterAll(async () => {
    await allow(null);
    await installation.close();
  });

  it('is judged by the evaluator that the pod brings', async () => {
    const guarded = (name: string, cel: string) => ({ name, image, when: [{ cel }], command: ['true'] });
    const taskSpec = { steps: [guarded('runs', "'a'.matches('[a-z]')"), guarded('skipped', "size('a') > 1")] };
    // The webhook and the controller hear of the flag a moment later.
    const run = await vi.waitFor(
      async () => {
        const ended = await bench.runTask({ taskSpec });
        expect(said(ended)).toMatch(/^True Succeeded/);
        return ended;
      },
      { timeout: 60_000, interval: 1_000 },
    );
    const reasons = run.status?.steps?.map(({ name, terminationReason }) => `${name} ${terminationReason}`);
    expect(reasons).toEqual(['runs Completed', 'skipped Skipped']);
  });
});
