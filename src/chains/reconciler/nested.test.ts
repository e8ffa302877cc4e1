import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import { labels } from '../../core/labels.ts';
import { annotations } from '../annotations.ts';
import type { RunObject } from '../types.ts';
import { mostWithin } from './children.ts';
import { recordedPipelineRun, recordedTaskRun } from './recorded.fake.ts';
import { artifactsOf, childOf, concluded, pipelineRun, runs, taskRun, World } from './world.fake.ts';

/** What the attestation of a PipelineRun says of the PipelineRuns within it, and of those within them. */

const signed = (name: string) => ({ annotations: concluded(`uid-${name}`) });

/** A PipelineRun that made TaskRuns and PipelineRuns. */
function outer(
  name: string,
  { tasks = [], pipelines = [] }: { tasks?: string[]; pipelines?: string[] },
  more: Parameters<typeof pipelineRun>[2] = {},
): PipelineRun {
  const run = pipelineRun(name, tasks, more);
  run.status?.childReferences?.push(
    ...pipelines.map((inner) => ({
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      name: inner,
      pipelineTaskName: inner,
    })),
  );
  return run;
}

const within = (parent: string, name: string, made: Parameters<typeof outer>[1]) =>
  outer(name, made, { ...childOf(parent), ...signed(name), labels: { [labels.pipelineTask]: name } });
const task = (parent: string, name: string) => taskRun(name, { ...childOf(parent), ...signed(name) });

/** `p` has task `a` and pipeline `q`; that has task `b` and pipeline `r`; and that has task `c`. */
const tree = (): Record<string, PipelineRun | TaskRun> => ({
  p: outer('p', { tasks: ['a'], pipelines: ['q'] }),
  a: task('p', 'a'),
  q: within('p', 'q', { tasks: ['b'], pipelines: ['r'] }),
  b: task('q', 'b'),
  r: within('q', 'r', { tasks: ['c'] }),
  c: task('r', 'c'),
});

type Shown = { run: string; children: string[]; nested: Shown[] };
const nameOf = ({ metadata: { name = '' } }: RunObject) => name;
const shown = ({ run, children, nested }: NestedRun): Shown => ({
  run: nameOf(run),
  children: children.map(nameOf),
  nested: nested.map(shown),
});

async function attested(objects: Record<string, PipelineRun | TaskRun>, data: Record<string, string> = {}) {
  const at = new World(data);
  at.add(...Object.values(objects));
  let given: Shown[] | undefined;
  at.formats = (run, _children, _config, nested) => {
    given = nested.map(shown);
    return artifactsOf(run);
  };
  const outcome = await at.reconcile(objects['p'] as PipelineRun);
  const written = (await at.client.get(runs.pipelinerun, 'ns', 'p')).metadata.annotations ?? {};
  const { problems } = JSON.parse(written[annotations.problems] ?? '{"problems":[]}') as {
    problems: { artifact: string; reason: string }[];
  };
  return { given, outcome, signed: written[annotations.signed], problems };
}

const whole: Shown[] = [{ run: 'q', children: ['b'], nested: [{ run: 'r', children: ['c'], nested: [] }] }];

describe('the runs within a PipelineRun', () => {
  it('are attested at every depth', async () => {
    expect(await attested(tree())).toMatchObject({ given: whole, signed: 'true', problems: [] });
  });

  type Change = (runs: Record<string, PipelineRun | TaskRun>) => Record<string, PipelineRun | TaskRun>;
  const rows: [name: string, change: Change, given: Shown[], noted: [string, string][]][] = [
    [
      'a PipelineRun of its name that another run made, with all that is within it',
      (all) => ({ ...all, q: within('other', 'q', { tasks: ['b'], pipelines: ['r'] }) }),
      [],
      [['q', 'this PipelineRun was not made by the PipelineRun']],
    ],
    [
      'one that was made for another task',
      (all) => ({ ...all, q: outer('q', { tasks: ['b'] }, { ...childOf('p'), ...signed('q') }) }),
      [],
      [['q', 'this PipelineRun has the label tekton.dev/pipelineTask: "", and was made for "q"']],
    ],
    [
      'a TaskRun that an inner run did not make',
      (all) => ({ ...all, c: task('p', 'c') }),
      [{ run: 'q', children: ['b'], nested: [{ run: 'r', children: [], nested: [] }] }],
      [['c', 'this TaskRun was not made by the PipelineRun']],
    ],
    [
      'an inner run that was deleted',
      ({ r: _r, ...all }) => all,
      [{ run: 'q', children: ['b'], nested: [] }],
      [['r', 'this PipelineRun was deleted before its PipelineRun was signed']],
    ],
    [
      'a run that says it is within itself',
      (all) => ({ ...all, r: within('q', 'r', { tasks: ['c'], pipelines: ['q', 'r'] }) }),
      whole,
      [
        ['q', 'this PipelineRun was not made by the PipelineRun'],
        ['r', 'this PipelineRun was not made by the PipelineRun'],
      ],
    ],
    [
      'one that its outer run names twice',
      (all) => ({ ...all, p: outer('p', { tasks: ['a'], pipelines: ['q', 'q', 'q'] }) }),
      whole,
      [],
    ],
  ];
  it.each(rows)('without %s', async (_name, change, given, noted) => {
    const result = await attested(change(tree()));
    expect(result).toMatchObject({ given, signed: 'true' });
    expect(result.problems.map(({ artifact, reason }) => [artifact, reason])).toEqual(
      noted.map(([name, why]) => [name, expect.stringContaining(why) as string]),
    );
  });

  it('more of them than an attestation looks at: none is made', async () => {
    const many = Array.from({ length: mostWithin }, (_, index) => `t${index}`);
    const result = await attested({ ...tree(), q: within('p', 'q', { tasks: many }) });
    expect(result.signed).toBe('failed');
    expect(result.problems[0]?.reason).toContain(`more than ${mostWithin} runs are within`);
  });

  it('come first: what is not signed yet is waited for, ten minutes at most', async () => {
    const { q, ...rest } = tree();
    const unsigned = { ...q, metadata: { ...q?.metadata, annotations: {} } } as PipelineRun;
    expect(await attested({ ...rest, q: unsigned })).toMatchObject({
      given: undefined,
      outcome: { kind: 'requeueAfter', ms: 599_000 },
    });
    const p = outer('p', { tasks: ['a'], pipelines: ['q'] }, { status: { completionTime: '2025-12-31T23:50:59Z' } });
    expect(await attested({ ...rest, p, q: unsigned })).toMatchObject({ given: whole, signed: 'true' });
  });

  it('one that was changed two pipelines deep keeps the outer one from being attested', async () => {
    const plain = tree() as unknown as Record<'a' | 'b' | 'c', TaskRun> & Record<'p' | 'q' | 'r', PipelineRun>;
    const [a, b, c] = [recordedTaskRun(plain.a), recordedTaskRun(plain.b), recordedTaskRun(plain.c)];
    const r = recordedPipelineRun(plain.r, [c]);
    const q = recordedPipelineRun(plain.q, [b, r]);
    const p = recordedPipelineRun(plain.p, [a, q]);
    const data = { 'artifacts.unrecorded': 'refuse' };
    expect(await attested({ p, q, r, a, b, c }, data)).toMatchObject({ given: whole, signed: 'true' });
    const changed = { ...c, spec: { ...c.spec, serviceAccountName: 'trusted' } };
    const refused = await attested({ p, q, r, a, b, c: changed }, data);
    expect(refused.signed).toBe('failed');
    expect(refused.problems.map(({ artifact }) => artifact).join()).toContain(
      'PipelineRun q PipelineRun r TaskRun c spec',
    );
  });
});
