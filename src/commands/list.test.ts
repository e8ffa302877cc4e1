import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

function environment(options: { colour?: boolean } = {}): FakeEnvironment {
  const made = new FakeEnvironment(options);
  const { cluster } = made;
  const of = (pipeline: string) => ({ labels: { 'tekton.dev/pipeline': pipeline } });
  cluster.put(
    pipelineRuns,
    pipelineRun('done', {
      metadata: { ...of('build'), managedFields: [] },
      status: { startTime: minutesAgo(60), completionTime: minutesAgo(55), conditions: succeeded('True', 'Succeeded') },
    }),
  );
  cluster.put(
    pipelineRuns,
    pipelineRun('timed-out', {
      metadata: of('build'),
      status: {
        startTime: minutesAgo(120),
        completionTime: minutesAgo(60),
        conditions: succeeded('False', 'PipelineRunTimeout'),
      },
    }),
  );
  cluster.put(
    pipelineRuns,
    pipelineRun('running', {
      metadata: of('deploy'),
      status: { startTime: minutesAgo(1), conditions: succeeded('Unknown', 'Running') },
    }),
  );
  cluster.put(pipelineRuns, pipelineRun('created', { metadata: of('deploy') }));
  cluster.put(
    pipelineRuns,
    pipelineRun('elsewhere', {
      metadata: { namespace: 'another', ...of('build') },
      status: { startTime: minutesAgo(5), completionTime: minutesAgo(4), conditions: succeeded('False', 'Cancelled') },
    }),
  );
  cluster.put(
    taskRuns,
    taskRun('of-task', { metadata: { labels: { 'tekton.dev/task': 't' } }, spec: { taskRef: { name: 't' } } }),
  );
  cluster.put(
    taskRuns,
    taskRun('of-custom', {
      metadata: { labels: { 'tekton.dev/task': 't' } },
      spec: { taskRef: { name: 't', kind: 'Custom' } },
    }),
  );
  return made;
}

const noGoTemplate =
  "templates of Go are not supported: write -o jsonpath=TEMPLATE, for example -o jsonpath='{.metadata.name}', or -o json for a program such as jq";

describe('list', () => {
  it.each([
    ['all', 'pr list', false],
    ['one-pipeline', 'pr list build', false],
    ['label', 'pr ls --label tekton.dev/pipeline!=build', false],
    ['limit', 'pr list --limit 2', false],
    ['reverse', 'pr list --reverse', false],
    ['no-headers', 'pipelineruns list --no-headers', false],
    ['all-namespaces', 'pr list -A', false],
    ['other-namespace', '-n another pr list', false],
    ['none', 'pr list nothing', false],
    ['coloured', 'pr list', true],
    ['name', 'pr list -o name', false],
    ['jsonpath', 'pr list -o jsonpath={range\u00a0.items[*]}{.metadata.name}{"\\n"}{end}', false],
    ['taskruns-of-task', 'tr list t', false],
    ['taskruns-none', 'taskrun list -n empty', false],
  ])('%s', async (name, line, colour) => {
    const made = environment({ colour });
    expect(await made.run(line)).toBe(0);
    await expect(made.out).toMatchFileSnapshot(`golden/list-${name}.txt`);
  });

  it('prints objects as JSON and YAML, without managed fields', async () => {
    const [json, yaml] = [environment(), environment()];
    await json.run('pr list build -o json');
    await yaml.run('pr list build -o yaml');
    const value = JSON.parse(json.out) as {
      kind: string;
      apiVersion: string;
      metadata: { resourceVersion: string };
      items: { metadata: { name: string; managedFields?: unknown } }[];
    };
    expect(value).toMatchObject({ kind: 'PipelineRunList', apiVersion: 'tekton.dev/v1' });
    expect(Object.keys(value)).toEqual(['kind', 'apiVersion', 'metadata', 'items']);
    expect(value.metadata.resourceVersion).toBe('7');
    expect(Object.keys(value.items[0] ?? {}).slice(0, 2)).toEqual(['kind', 'apiVersion']);
    expect(value.items.map(({ metadata }) => metadata.name)).toEqual(['done', 'timed-out']);
    expect(value.items.every(({ metadata }) => metadata.managedFields === undefined)).toBe(true);
    expect(parse(yaml.out)).toEqual(value);
    const full = environment();
    await full.run('pr list build -o json --show-managed-fields');
    expect(full.out).toContain('managedFields');
  });

  it.each([
    ['JSON', '"kind": "PipelineRunList"'],
    ['Yaml', '\nkind: PipelineRunList\n'],
    ['jsonpath-as-json={.items[*].metadata.name}', '[\n    "created",\n    "running"\n]\n'],
    ['jsonpath --template {.items[*].metadata.name}', 'created running'],
    ['jsonpath={.items[*].nope}|', '|'],
    [`jsonpath-file --template ${new URL('golden/names.jsonpath', import.meta.url).pathname}`, 'created\nrunning\n'],
    [`jsonpath-file=${new URL('golden/names.jsonpath', import.meta.url).pathname}`, 'created\nrunning\n'],
  ])('-o %s', async (output, expected) => {
    const made = environment();
    expect(await made.run(`pr list deploy -o ${output}`)).toBe(0);
    expect(made.out).toContain(expected);
  });

  it('fails for a key that is missing, where that is wanted', async () => {
    const made = environment();
    expect(await made.run('pr list -o jsonpath={.nope} --allow-missing-template-keys=false')).toBe(1);
    expect(made.err).toContain('nope is not found');
  });

  it('fails for an index that no list has', async () => {
    const made = environment();
    expect(await made.run('pr list deploy -o jsonpath={.items[5].kind}')).toBe(1);
    expect([made.out, made.err]).toEqual([
      '',
      'Error: error executing jsonpath "{.items[5].kind}": Error executing template: array index out of bounds: index 5, length 2\n',
    ]);
  });

  it('takes the first argument and ignores the others, and knows the old --nocolour', async () => {
    const made = environment({ colour: true });
    expect(await made.run('pr list build deploy --nocolour -o name')).toBe(0);
    expect(made.out).toBe('pipelinerun.tekton.dev/done\npipelinerun.tekton.dev/timed-out\n');
    made.out = '';
    await made.run('pr list --nocolour');
    expect(made.out).not.toContain('\u001b');
  });

  it('asks for what it shows and no more', async () => {
    const made = environment();
    await made.run('pr list build');
    expect(made.cluster.requests).toEqual(['list pipelineruns tekton.dev/pipeline=build']);
  });

  it.each([
    ['pr list --limit -1', 'limit was -1 but must be a positive number'],
    [
      'pr list build --label a=b',
      'failed to list PipelineRuns from namespace ns: specifying a Pipeline and labels are not compatible',
    ],
    [
      'pr list -o wide',
      'unable to match a printer suitable for the output format "wide", allowed formats are: json,jsonpath,jsonpath-as-json,jsonpath-file,name,yaml',
    ],
    ['pr list -o go-template={{.kind}}', noGoTemplate],
    ['pr list -o go-template-file=f', noGoTemplate],
    ['pr list -o templatefile --template f', noGoTemplate],
    ['pr list --template {{.kind}}', noGoTemplate],
    [
      'pr list -o json=x',
      'unable to match a printer suitable for the output format "json=x", allowed formats are: json,jsonpath,jsonpath-as-json,jsonpath-file,name,yaml',
    ],
    ['pr list -o jsonpath', 'template format specified but no template given: write -o jsonpath=TEMPLATE'],
    [
      'pr list -o jsonpath-file=/nowhere/at/all',
      "error reading jsonpath-file /nowhere/at/all: ENOENT: no such file or directory, open '/nowhere/at/all'",
    ],
    ['pr list -o jsonpath={.a', 'error parsing jsonpath "{.a": unclosed action'],
  ])('%s is refused', async (line, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toBe(`Error: ${message}\n`);
    expect(made.cluster.requests).toEqual([]);
  });

  it('says what the API server said', async () => {
    const made = environment();
    made.cluster.failures.set('list pipelineruns', [
      new ApiError(403, { reason: 'Forbidden', message: 'pipelineruns.tekton.dev is forbidden' }),
    ]);
    expect(await made.run('pr list')).toBe(1);
    expect(made.err).toBe(
      'Error: failed to list PipelineRuns from namespace ns: pipelineruns.tekton.dev is forbidden\n',
    );
  });
});
