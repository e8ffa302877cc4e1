import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, pipelines, taskRuns, tasks } from '../../src/api/resources.ts';
import type { Pipeline } from '../../src/api/pipeline/v1/pipeline.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { programs, type Program } from '../contract/tkn-programs.ts';
import { openWorkbench } from './cluster.ts';
import { testCluster } from './setup.ts';
import { sh as script } from './shell-step.ts';

/** The commands for people against real runs: ours, and tkn's own program where one is on PATH. */
process.env['TEKTITE_TEST_KUBECONFIG'] = (await testCluster()).kubeconfig;
const all = await programs();
const bench = openWorkbench('commands');
const sleeping: PipelineRun['spec'] = {
  pipelineSpec: {
    tasks: [{ name: 'slow', taskSpec: { steps: [script('wait', 'sleep 600')] } }],
    finally: [{ name: 'clean', taskSpec: { steps: [script('sweep', 'true')] } }],
  },
};
const quick: PipelineRun['spec'] = {
  pipelineSpec: { tasks: [{ name: 'quick', taskSpec: { steps: [script('do', 'true')] } }] },
};
const words: Pipeline['spec'] = {
  tasks: [
    {
      name: 'first',
      displayName: 'The first',
      taskSpec: { steps: [script('one', 'echo first-one'), script('two', 'echo first-two; echo first-two-again')] },
    },
    {
      name: 'second',
      runAfter: ['first'],
      taskSpec: {
        results: [{ name: 'said' }],
        steps: [script('one', 'printf second-one | tee $(results.said.path); echo')],
      },
    },
  ],
  results: [{ name: 'word', value: '$(tasks.second.results.said)' }],
};

/** Without the colours and widths that differ between terminals. */
const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/ {2,}/g, ' | '))
    .filter((line) => line !== '');
let tries = 0;
const ago = /^(just now|\d+ (second|minute)s? ago)$/;

/** Runs that every test reads and none changes. */
beforeAll(async () => {
  await bench.create(pipelines, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'words' },
    spec: words,
  });
  await bench.create(pipelines, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'talks' },
    spec: words,
  });
  await bench.create(pipelines, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Pipeline',
    metadata: { name: 'breaks' },
    spec: { tasks: [{ name: 'bad', taskSpec: { steps: [script('break', 'echo sad; exit 1')] } }] },
  });
  await bench.create(tasks, {
    apiVersion: 'tekton.dev/v1',
    kind: 'Task',
    metadata: { name: 'say' },
    spec: { steps: [script('one', 'echo said'), script('two', 'echo said again')] },
  });
  await Promise.all([
    bench.runPipeline({ pipelineRef: { name: 'words' } }, { name: 'spoken' }),
    bench.runPipeline(
      { pipelineSpec: { tasks: [{ name: 'bad', taskSpec: { steps: [script('break', 'echo sad; exit 1')] } }] } },
      { name: 'broken' },
    ),
    bench.runPipeline(
      { pipelineSpec: { tasks: [{ name: 'bad', taskSpec: { steps: [script('break', 'echo sad; exit 3')] } }] } },
      { name: 'broken-with-3' },
    ),
    bench.runTask(
      { taskSpec: { steps: [script('talk', 'echo hello'), script('break', 'exit 4')] } },
      { name: 'broken-task' },
    ),
  ]);
});
afterAll(() => {
  delete process.env['TEKTITE_TEST_KUBECONFIG'];
});

describe.each(all)('$name', (program: Program) => {
  const run = (...args: string[]) => program.run([...args, '--namespace', bench.namespace]);
  /** A name of this program's and this try's own: a test that is tried again finds nothing of its first try. */
  const own = (name: string) => `${name}-${program.name}-${++tries}`;
  const waitFor = (name: string) =>
    bench.client.get(pipelineRuns, bench.namespace, name).then((found) => bench.waitFor(found, undefined, 30));

  it('lists PipelineRuns with their columns', async () => {
    const { out, status } = await run('pipelinerun', 'list');
    expect(status).toBe(0);
    const [header = '', ...rows] = lines(out);
    expect(header).toBe('NAME | STARTED | DURATION | STATUS');
    const cells = rows.map((row) => row.split(' | ')).filter(([name]) => name === 'spoken' || name === 'broken');
    expect(cells.map(([name, , , state]) => `${name} ${state}`).sort()).toEqual(['broken Failed', 'spoken Succeeded']);
    for (const [, started, duration] of cells) {
      expect(started).toMatch(ago);
      expect(duration).toMatch(/^\d+s$/);
    }
  });

  it('lists the runs of one Pipeline, and names only on request', async () => {
    expect(
      lines((await run('pr', 'ls', 'words')).out)
        .slice(1)
        .map((row) => row.split(' | ')[0]),
    ).toEqual(['spoken']);
    expect((await run('pr', 'ls', 'words', '-o', 'name')).out).toBe('pipelinerun.tekton.dev/spoken\n');
    expect((await run('pr', 'ls', 'words', '-o', 'jsonpath={.items[*].metadata.name}')).out.trim()).toBe('spoken');
  });

  it('lists TaskRuns', async () => {
    const rows = lines((await run('taskrun', 'list')).out)
      .slice(1)
      .map((row) => row.split(' | '));
    const states = Object.fromEntries(rows.map(([name, , , state]) => [name, state]));
    expect(states).toMatchObject({
      'spoken-first': 'Succeeded',
      'spoken-second': 'Succeeded',
      'broken-task': expect.stringMatching(/^Failed/) as string,
    });
  });

  it('describes a run that succeeded', async () => {
    const { out, status } = await run('pr', 'describe', 'spoken');
    expect(status).toBe(0);
    const text = lines(out);
    expect(text).toEqual(
      expect.arrayContaining(
        ['Name: | spoken', 'Pipeline Ref: | words', 'NAME | VALUE'].map(
          (line) => expect.stringMatching(new RegExp(line.replaceAll(' | ', ' (\\| )?'))) as string,
        ),
      ),
    );
    expect(text).toContainEqual(expect.stringMatching(/word \| second-one$/));
    expect(
      text.filter((line) => /spoken-(first|second) \| (first|second) \| .* \| Succeeded$/.test(line)),
    ).toHaveLength(2);
  });

  it('describes a run that failed: the message and the task to blame', async () => {
    const text = lines((await run('pr', 'describe', 'broken')).out);
    expect(text).toContainEqual('Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0');
    expect(text).toContainEqual(expect.stringMatching(/broken-bad \| bad \| .* \| Failed/));
    const task = (await run('tr', 'describe', 'broken-task')).out;
    expect(task).toMatch(/"step-break" exited with code 4/);
    expect(lines(task)).toContainEqual(expect.stringMatching(/break \| Error/));
  });

  it('shows the logs of all tasks and steps in their order', async () => {
    const { out, status } = await run('pr', 'logs', 'spoken');
    expect(status).toBe(0);
    expect(out.split('\n').filter(Boolean)).toEqual([
      '[first : one] first-one',
      '[first : two] first-two',
      '[first : two] first-two-again',
      '[second : one] second-one',
    ]);
  });

  it.each([
    ['one task', ['pr', 'logs', 'spoken', '-t', 'second'], ['[second : one] second-one']],
    ['one step', ['tr', 'logs', 'spoken-first', '-s', 'two'], ['[two] first-two', '[two] first-two-again']],
    ['no prefix', ['pr', 'logs', 'spoken', '-t', 'second', '--prefix=false'], ['second-one']],
    [
      'tasks with their display names',
      ['pr', 'logs', 'spoken', '--long'],
      [
        '[The first : one] first-one',
        '[The first : two] first-two',
        '[The first : two] first-two-again',
        '[second : one] second-one',
      ],
    ],
  ])('shows logs of %s', async (_what, args, expected) => {
    expect((await run(...args)).out.split('\n').filter(Boolean)).toEqual(expected);
  });

  it('shows the logs of init containers on request', async () => {
    const { out, err } = await run('pr', 'logs', 'spoken', '--all');
    expect(out).toContain('[first : one] first-one');
    expect(out + err).not.toMatch(/not found|error/i);
  });

  it('shows the logs of a failed step, says why it failed and passes the failure on when asked', async () => {
    const { out, err, status } = await run('pr', 'logs', 'broken', '-E');
    expect(out).toContain('[bad : break] sad');
    expect(err + out).toMatch(/container step-break has failed/);
    expect(status).toBe(1);
  });

  it.each([
    [
      ['pr', 'logs', 'spoken', '-t', 'nope'],
      1,
      'Error: passed filtered tasks: [nope] is not available, available tasks are: [first second]\n',
    ],
    [['tr', 'logs', 'spoken-first', '-s', 'nope'], 0, 'no steps found for task first\n'],
    [
      ['pr', 'list', '-o', 'jsonpath={.items[99]}'],
      1,
      expect.stringMatching(
        /^Error: error executing jsonpath "{.items\[99\]}": Error executing template: array index out of bounds: index 99, length \d+/,
      ),
    ],
    [['pr', 'delete', '-p', 'nope', '-f'], 1, 'Error: no PipelineRuns associated with Pipeline "nope"\n'],
  ])('says what is not there: %s', async (args, status, err) => {
    expect(await run(...args)).toMatchObject({ status, out: '', err });
  });

  it('prints YAML that says the same when it is read again', async () => {
    const name = own('quoted');
    const annotations = Object.fromEntries(
      [
        'yes',
        'off',
        'y',
        '1:30',
        '1_000',
        '0b1',
        '2026-01-01',
        '123',
        'true',
        '~',
        '',
        'tab\there',
        'a: b',
        'lines\n of text\n',
      ].map((text, index) => [`example.com/a${index}`, text]),
    );
    await bench.runTask({ taskSpec: { steps: [script('do', 'true')] } }, { name, annotations });
    const { out } = await run('tr', 'describe', name, '-o', 'yaml');
    expect((parse(out, { version: '1.1' }) as TaskRun).metadata.annotations).toMatchObject(annotations);
  });

  it('shows the logs of the last run', async () => {
    const name = own('latest');
    await bench.runTask({ taskSpec: { steps: [script('say', `echo I am ${name}`)] } }, { name });
    expect((await run('tr', 'logs', '--last')).out).toContain(`[say] I am ${name}`);
  });

  it.each([
    ['pipeline', 'talks', ['[first : one] first-one', '[first : two] first-two', '[second : one] second-one']],
    ['task', 'say', ['[one] said', '[two] said again']],
  ])('starts a %s and shows its logs until its end', async (kind, name, expected) => {
    const { out, status } = await run(kind, 'start', name, '--showlog');
    expect(status).toBe(0);
    expect(out).toMatch(/(PipelineRun|TaskRun) started: /);
    expect(out.split('\n')).toEqual(expect.arrayContaining(expected));
    expect(out).not.toContain('In order to track the');
  });

  it.each([
    [['-E'], 1],
    [[], 0],
  ])('starts a Pipeline that fails, with --showlog %s: exit status %i', async (flags, expected) => {
    const { out, err, status } = await run('pipeline', 'start', 'breaks', '--showlog', ...flags);
    expect(out).toContain('[bad : break] sad');
    expect(out + err).toMatch(/container step-break has failed/);
    expect(status).toBe(expected);
  });

  it('follows a run from before its pod exists until its end', async () => {
    const name = own('followed');
    const started = await bench.startPipeline(
      {
        pipelineSpec: {
          tasks: [
            {
              name: 'early',
              taskSpec: { steps: [script('count', 'for i in 1 2 3; do echo early $i; sleep 0.5; done')] },
            },
            {
              name: 'late',
              runAfter: ['early'],
              taskSpec: { steps: [script('count', 'for i in 1 2 3; do echo late $i; sleep 0.3; done')] },
            },
          ],
        },
      },
      { name },
    );
    const { out, status } = await run('pr', 'logs', name, '-f');
    expect(status).toBe(0);
    expect(out.split('\n').filter(Boolean)).toEqual(
      [1, 2, 3].map((i) => `[early : count] early ${i}`).concat([1, 2, 3].map((i) => `[late : count] late ${i}`)),
    );
    // It returned because the run was over, not because it lost patience.
    expect(succeededCondition((await bench.waitFor(started, undefined, 3)).status)?.status).toBe('True');
  });

  it.each([
    ['at once', [], 'Cancelled', false],
    ['and runs finally', ['--grace', 'CancelledRunFinally'], 'Cancelled', true],
  ] as const)('cancels a run %s', async (what, flags, reason, finallyRan) => {
    const name = own('cancel');
    await bench.waitFor(
      await bench.startPipeline(sleeping, { name }),
      (current) => (current.status?.childReferences?.length ?? 0) > 0,
    );
    const { out, status } = await run('pr', 'cancel', name, ...flags);
    expect([status, out]).toEqual([0, `PipelineRun cancelled: ${name}\n`]);
    const ended = await waitFor(name);
    expect(succeededCondition(ended.status), what).toMatchObject({ status: 'False', reason });
    expect(ended.status?.childReferences?.some((child) => child.pipelineTaskName === 'clean')).toBe(finallyRan);
  });

  it('stops a run after the tasks that have begun', async () => {
    const name = own('stop');
    const begun = { name: 'begun', taskSpec: { steps: [script('wait', 'sleep 3')] } };
    await bench.waitFor(
      await bench.startPipeline(
        {
          pipelineSpec: {
            tasks: [begun, { name: 'next', runAfter: ['begun'], taskSpec: { steps: [script('never', 'true')] } }],
          },
        },
        { name },
      ),
      (current) => (current.status?.childReferences?.length ?? 0) > 0,
    );
    expect((await run('pr', 'cancel', name, '--grace', 'StoppedRunFinally')).status).toBe(0);
    const ended = await waitFor(name);
    expect(ended.status?.childReferences?.map((child) => child.pipelineTaskName)).toEqual(['begun']);
    const child = await bench.client.get(taskRuns, bench.namespace, `${name}-begun`);
    expect(succeededCondition(child.status)?.status).toBe('True');
    expect(ended.status?.skippedTasks).toMatchObject([{ name: 'next', reason: 'PipelineRun was gracefully stopped' }]);
  });

  it.each([
    ['pipelinerun', 'spoken', 'PipelineRun'],
    ['taskrun', 'broken-task', 'TaskRun'],
  ])('refuses to cancel a finished %s', async (group, name, title) => {
    const { status, err } = await run(group, 'cancel', name);
    expect(status).toBe(1);
    expect(err).toContain(`failed to cancel ${title} ${name}: ${title} has already finished execution`);
  });

  describe('delete', () => {
    const names = async (label: string) =>
      (
        await bench.client.list(pipelineRuns, {
          namespace: bench.namespace,
          labelSelector: `tekton.dev/pipeline=${label}`,
        })
      ).items
        .map((item) => item.metadata.name ?? '')
        .sort();
    /** Three finished runs of a Pipeline of this test's own, oldest first. */
    async function three(pipeline: string): Promise<string[]> {
      await bench.create(pipelines, {
        apiVersion: 'tekton.dev/v1',
        kind: 'Pipeline',
        metadata: { name: pipeline },
        spec: quick.pipelineSpec ?? {},
      });
      const made = [1, 2, 3].map((index) => `${pipeline}-${index}`);
      for (const name of made) {
        await bench.startPipeline({ pipelineRef: { name: pipeline } }, { name });
        // Start times have seconds: the order must not be a matter of luck.
        await new Promise((resolve) => setTimeout(resolve, 1050));
      }
      for (const name of made) await waitFor(name);
      return made;
    }

    it('removes a named run without asking when forced', async () => {
      const name = own('named');
      await bench.runPipeline(quick, { name });
      expect(await run('pr', 'delete', name, '-f')).toMatchObject({
        status: 0,
        out: `PipelineRuns deleted: "${name}"\n`,
      });
      await expect
        .poll(
          () =>
            bench.client.get(taskRuns, bench.namespace, `${name}-quick`).then(
              () => 'there',
              (error: Error) => error.message,
            ),
          { timeout: 20_000 },
        )
        .toMatch(/not found/);
      expect(await run('pr', 'delete', name, '-f')).toMatchObject({
        status: 1,
        out: '',
        err: `Error: pipelineruns.tekton.dev "${name}" not found\n`,
      });
    });

    it('keeps the newest, then those of the last minutes, then none', async () => {
      const pipeline = own('kept');
      const [, second = '', third = ''] = await three(pipeline);
      expect(await run('pr', 'delete', '--pipeline', pipeline, '--keep', '2', '-f')).toMatchObject({
        status: 0,
        out: `All but 2 PipelineRuns(Completed) associated with Pipeline "${pipeline}" deleted in namespace "${bench.namespace}"\n`,
      });
      expect(await names(pipeline)).toEqual([second, third]);
      expect(await run('pr', 'delete', '--pipeline', pipeline, '--keep', '2', '-f')).toMatchObject({
        status: 0,
        out: `Associated PipelineRun (2) for Pipeline:${pipeline} is/are equal to keep (2) \n`,
      });
      expect(await run('pr', 'delete', '--pipeline', pipeline, '--keep-since', '30', '-f')).toMatchObject({
        status: 1,
        out: '',
        err: `Error: no PipelineRuns associated with Pipeline "${pipeline}"\n`,
      });
      expect(await names(pipeline)).toEqual([second, third]);
      expect((await run('pr', 'delete', '--pipeline', pipeline, '-f')).status).toBe(0);
      expect(await names(pipeline)).toEqual([]);
    });

    it('--all with a label spares everything else and what still runs', async () => {
      const team = own('team');
      const label = `team=${team}`;
      const labels = { team };
      await bench.runPipeline(quick, { name: `done-of-${team}`, labels });
      await bench.startPipeline(sleeping, { name: `runs-of-${team}`, labels });
      expect((await run('pr', 'delete', '--all', '--label', label, '-f')).status).toBe(0);
      const left = async () =>
        (
          await bench.client.list(pipelineRuns, {
            namespace: bench.namespace,
            labelSelector: label,
          })
        ).items.map((item) => item.metadata.name);
      expect(await left()).toEqual([`runs-of-${team}`]);
      expect((await run('pr', 'delete', '--all', '--label', label, '--ignore-running=false', '-f')).status).toBe(0);
      await expect.poll(left, { timeout: 10_000 }).toEqual([]);
      expect((await bench.client.get(pipelineRuns, bench.namespace, 'spoken')).metadata.name).toBe('spoken');
    });
  });
});

describe('what only ours has', () => {
  const ours = all.find(({ name }) => name === 'tektite');
  const run = (...args: string[]) => (ours as Program).run([...args, '--namespace', bench.namespace]);

  it('takes the end of its input for a no when it asks before it deletes', async () => {
    const asked = await run('pr', 'delete', 'spoken');
    expect(asked).toMatchObject({
      status: 1,
      out: 'Are you sure you want to delete PipelineRun(s) "spoken" (y/n): \n',
      err: 'Error: canceled deleting PipelineRun(s) "spoken"\n',
    });
    expect((await bench.client.get(pipelineRuns, bench.namespace, 'spoken')).metadata.name).toBe('spoken');
  });

  it('shows some steps of a PipelineRun', async () => {
    expect((await run('pr', 'logs', 'spoken', '-t', 'first', '-s', 'two')).out.split('\n').filter(Boolean)).toEqual([
      '[first : two] first-two',
      '[first : two] first-two-again',
    ]);
  });

  it('says which step failed whatever its exit code', async () => {
    const { out, err, status } = await run('pr', 'logs', 'broken-with-3', '-E');
    expect([out, status]).toEqual(['[bad : break] sad\n\n', 1]);
    expect(err).toContain('container step-break has failed');
  });
});
