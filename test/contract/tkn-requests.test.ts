import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { isNotFound, unlessExists } from '../../src/kube/client.ts';
import { configMaps, namespaces } from '../../src/kube/resources.ts';
import { createRun, prepare } from './tkn-fixture.ts';
import { programs } from './tkn-programs.ts';

/**
 * What tkn asks of the API server (upstream tektoncd/cli, pkg/actions and pkg/log), asked of a real one with our CRDs.
 */
const namespace = `tkn-${process.pid}`;
const embedded = {
  pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps: [{ name: 's', image: 'busybox', script: 'true' }] } }] },
};
let client: KubeClient;

beforeAll(async () => {
  client = await prepare(namespace);
});
afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
});

function pipelineRun(name: string, parts: Partial<PipelineRun> = {}): PipelineRun {
  return { spec: embedded, ...parts, metadata: { name, namespace, ...parts.metadata } };
}
function taskRun(name: string, parts: Partial<TaskRun> = {}): TaskRun {
  return {
    spec: { taskSpec: { steps: [{ name: 's', image: 'busybox', script: 'true' }] } },
    ...parts,
    metadata: { name, namespace, ...parts.metadata },
  };
}
const condition = (status: 'True' | 'False' | 'Unknown', reason: string, message = '') => ({
  type: 'Succeeded',
  status,
  reason,
  message,
});
const labelled = (pipeline: string) => ({ labels: { 'tekton.dev/pipeline': pipeline } });

describe('discovery', () => {
  interface ResourceList {
    groupVersion: string;
    resources: { name: string; kind: string; namespaced: boolean; verbs: string[]; shortNames?: string[] }[];
  }
  interface Group {
    name: string;
    versions: { groupVersion: string }[];
    preferredVersion: { version: string };
  }
  const json = async <T>(path: string): Promise<T> => JSON.parse(await client.raw('GET', path)) as T;

  it('answers for every group and version', async () => {
    const core = await json<{ versions: string[] }>('/api');
    const { groups } = await json<{ groups: Group[] }>('/apis');
    const paths = [
      ...core.versions.map((version) => `/api/${version}`),
      ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`)),
    ];
    const lists = await Promise.all(paths.map((path) => json<ResourceList>(path)));
    expect(lists.every(({ resources }) => Array.isArray(resources))).toBe(true);
    expect(lists.map(({ groupVersion }) => groupVersion)).toEqual(
      expect.arrayContaining(['v1', 'apps/v1', 'tekton.dev/v1']),
    );
  });

  it('prefers v1 of tekton.dev', async () => {
    const { groups } = await json<{ groups: Group[] }>('/apis');
    expect(groups.find(({ name }) => name === 'tekton.dev')?.preferredVersion.version).toBe('v1');
  });

  it.each([
    ['pipelineruns', 'PipelineRun', 'pr'],
    ['taskruns', 'TaskRun', 'tr'],
    ['pipelines', 'Pipeline', undefined],
    ['tasks', 'Task', undefined],
  ])('knows %s with the verbs that tkn uses', async (name, kind, shortName) => {
    const { resources } = await json<ResourceList>('/apis/tekton.dev/v1');
    const found = resources.find((resource) => resource.name === name);
    expect(found).toMatchObject({ kind, namespaced: true });
    expect(found?.verbs).toEqual(expect.arrayContaining(['get', 'list', 'watch', 'delete', 'patch', 'create']));
    if (shortName) expect(found?.shortNames).toContain(shortName);
  });

  it('answers the aggregated form that newer clients ask for first', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const answer = JSON.parse(await client.raw('GET', '/apis', { accept })) as {
      kind: string;
      items: { metadata: { name: string }; versions: { version: string; freshness?: string }[] }[];
    };
    expect(answer.kind).toBe('APIGroupDiscoveryList');
    const group = answer.items.find(({ metadata }) => metadata.name === 'tekton.dev');
    // The first version is the preferred one.
    expect(group?.versions[0]).toMatchObject({ version: 'v1', freshness: 'Current' });
  });
});

describe('list', () => {
  beforeAll(async () => {
    for (const [name, pipeline] of [
      ['list-a', 'p'],
      ['list-b', 'p'],
      ['list-c', 'q'],
    ] as const)
      await createRun(client, pipelineRuns, pipelineRun(name, { metadata: labelled(pipeline) }));
  });

  it.each([
    ['tekton.dev/pipeline=p', ['list-a', 'list-b']],
    ['tekton.dev/pipeline==q', ['list-c']],
    ['tekton.dev/pipeline,tekton.dev/pipeline!=p', ['list-c']],
    ['tekton.dev/pipeline in (p,q)', ['list-a', 'list-b', 'list-c']],
    ['tekton.dev/pipeline=nothing', []],
  ])('selects by label: %s', async (labelSelector, names) => {
    const { items } = await client.list(pipelineRuns, { namespace, labelSelector });
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(names);
  });

  it('selects by metadata.name, on custom resources too', async () => {
    const { items } = await client.list(pipelineRuns, { namespace, fieldSelector: 'metadata.name=list-b' });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['list-b']);
  });

  it('keeps the order of conditions: tkn reads the first', async () => {
    const conditions = [condition('False', 'Failed', 'm'), { type: 'Another', status: 'True' as const }];
    await createRun(client, pipelineRuns, pipelineRun('list-conditions', { status: { conditions } }));
    const read = await client.get(pipelineRuns, namespace, 'list-conditions');
    expect(read.status?.conditions?.map(({ type }) => type)).toEqual(['Succeeded', 'Another']);
  });
});

describe('watch', () => {
  it('by metadata.name gives the changes of that run alone', async () => {
    await createRun(client, taskRuns, taskRun('watched'));
    await createRun(client, taskRuns, taskRun('not-watched'));
    const { resourceVersion } = await client.list(taskRuns, { namespace, fieldSelector: 'metadata.name=watched' });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of client.watch(taskRuns, {
        namespace,
        fieldSelector: 'metadata.name=watched',
        resourceVersion,
        signal: AbortSignal.timeout(20_000),
      })) {
        if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue;
        seen.push(`${event.type} ${event.object.metadata.name} ${event.object.status?.podName ?? ''}`.trim());
        if (event.type === 'DELETED') return;
      }
    })();
    for (const name of ['not-watched', 'watched']) {
      const run = await client.get(taskRuns, namespace, name);
      await client.replaceStatus(taskRuns, { ...run, status: { podName: `${name}-pod` } });
    }
    await client.delete(taskRuns, namespace, 'watched');
    await watching;
    expect(seen).toEqual(['MODIFIED watched watched-pod', 'DELETED watched watched-pod']);
  });
});

describe('cancel', () => {
  it.each([
    [
      'PipelineRun',
      'Cancelled',
      async (status: string) =>
        patched(pipelineRuns, await createRun(client, pipelineRuns, pipelineRun('patch-pr')), status),
    ],
    [
      'TaskRun',
      'TaskRunCancelled',
      async (status: string) => patched(taskRuns, await createRun(client, taskRuns, taskRun('patch-tr')), status),
    ],
  ])('JSON Patch "replace" of an absent /spec/status of a %s succeeds', async (_kind, status, patch) => {
    expect(await patch(status)).toBe(status);
  });

  async function patched<T extends PipelineRun | TaskRun>(
    resource: {
      group: string;
      version: string;
      plural: string;
      kind: string;
      namespaced: boolean;
      readonly __type?: T;
    },
    run: T,
    status: string,
  ): Promise<string | undefined> {
    expect(run.spec.status).toBeUndefined();
    const body = [{ op: 'replace', path: '/spec/status', value: status }];
    return (await client.patch(resource, namespace, run.metadata.name ?? '', { type: 'json', body })).spec.status;
  }
});

describe('delete', () => {
  it.each([undefined, 'Background', 'Foreground'] as const)(
    'with propagation %s removes the run',
    async (propagationPolicy) => {
      const name = `delete-${propagationPolicy?.toLowerCase() ?? 'default'}`;
      await createRun(client, pipelineRuns, pipelineRun(name));
      await client.delete(pipelineRuns, namespace, name, propagationPolicy ? { propagationPolicy } : {});
      const left = await client
        .get(pipelineRuns, namespace, name)
        .catch((error: unknown) => (isNotFound(error) ? undefined : Promise.reject(error as Error)));
      // Foreground deletion waits for the garbage collector, which a control plane alone does not have.
      if (propagationPolicy === 'Foreground') expect(left?.metadata.deletionTimestamp).toBeDefined();
      else expect(left).toBeUndefined();
    },
  );
});

describe.each(await programs())('$name', (program) => {
  const own = (name: string): string => `${program.name}-${name}`;
  const run = (...args: string[]) => program.run([...args, '-n', namespace]);

  let times: { startTime: string; completionTime: string };
  const createTimedOut = (name: string) =>
    createRun(
      client,
      pipelineRuns,
      pipelineRun(own(name), {
        metadata: labelled(own('q')),
        status: { ...times, conditions: [condition('False', 'PipelineRunTimeout')] },
      }),
    );

  beforeAll(async () => {
    const started = new Date(Date.now() - 10 * 60_000 - 500).toISOString().replace(/\.\d+Z$/, 'Z');
    const completed = new Date(Date.parse(started) + 65_000).toISOString().replace(/\.\d+Z$/, 'Z');
    times = { startTime: started, completionTime: completed };
    await createRun(
      client,
      pipelineRuns,
      pipelineRun(own('done'), {
        metadata: labelled(own('p')),
        status: {
          ...times,
          conditions: [condition('True', 'Succeeded')],
          childReferences: [
            { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: own('done-a'), pipelineTaskName: 'a' },
          ],
        },
      }),
    );
    await createRun(
      client,
      taskRuns,
      taskRun(own('done-a'), {
        metadata: { labels: { 'tekton.dev/pipelineRun': own('done') } },
        status: { ...times, podName: '', conditions: [condition('True', 'Succeeded')] },
      }),
    );
    await createRun(
      client,
      pipelineRuns,
      pipelineRun(own('going'), {
        metadata: labelled(own('p')),
        status: { startTime: completed, conditions: [condition('Unknown', 'Running')] },
      }),
    );
    await createRun(client, taskRuns, taskRun(own('going')));
    for (const name of ['gone', 'kept']) await createTimedOut(name);
  });

  it('lists the runs of a pipeline, newest first', async () => {
    const { status, out } = await run('pipelinerun', 'list', own('p'));
    expect(status).toBe(0);
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['NAME', 'STARTED', 'DURATION', 'STATUS'],
      [own('going'), '8 minutes ago', '---', 'Running'],
      [own('done'), '10 minutes ago', '1m5s', 'Succeeded'],
    ]);
  });

  it('lists names', async () => {
    expect((await run('pr', 'list', own('p'), '-o', 'name')).out).toBe(
      `pipelinerun.tekton.dev/${own('going')}\npipelinerun.tekton.dev/${own('done')}\n`,
    );
  });

  it('says when there are none', async () => {
    expect((await run('pr', 'list', 'nothing')).out).toBe('No PipelineRuns found\n');
    expect((await run('tr', 'list', 'nothing')).out).toBe('No TaskRuns found\n');
  });

  it('prints objects that parse', async () => {
    const { out } = await run('pr', 'describe', own('done'), '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({
      apiVersion: 'tekton.dev/v1',
      kind: 'PipelineRun',
      metadata: { name: own('done') },
    });
    expect((await run('pr', 'describe', own('done'), '-o', 'jsonpath={.status.conditions[0].reason}')).out).toBe(
      'Succeeded',
    );
  });

  it('describes a run with its TaskRuns', async () => {
    const { status, out } = await run('pr', 'describe', own('done'));
    expect(status).toBe(0);
    expect(out).toContain(`\nStatus\n\nSTARTED          DURATION   STATUS\n10 minutes ago   1m5s       Succeeded\n`);
    expect(out).toMatch(
      new RegExp(
        `\\nTaskruns\\n\\n NAME +TASK NAME +STARTED +DURATION +STATUS\\n ${own('done-a')} +a +10 minutes ago +1m5s +Succeeded\\n`,
      ),
    );
  });

  it('cancels what runs and refuses what is done', async () => {
    expect(await run('pr', 'cancel', own('going'), '--grace', 'StoppedRunFinally')).toMatchObject({
      status: 0,
      out: `PipelineRun cancelled: ${own('going')}\n`,
    });
    expect((await client.get(pipelineRuns, namespace, own('going'))).spec.status).toBe('StoppedRunFinally');
    expect(await run('tr', 'cancel', own('going'))).toMatchObject({
      status: 0,
      out: `TaskRun cancelled: ${own('going')}\n`,
    });
    expect((await client.get(taskRuns, namespace, own('going'))).spec.status).toBe('TaskRunCancelled');
    const refused = await run('pr', 'cancel', own('done'));
    expect(refused).toMatchObject({
      status: 1,
      err: `Error: failed to cancel PipelineRun ${own('done')}: PipelineRun has already finished execution\n`,
    });
  });

  it('reports logs that are not there', async () => {
    const { status, err } = await run('pr', 'logs', 'nope');
    expect(status).toBe(1);
    expect(err).toBe('Error: pipelineruns.tekton.dev "nope" not found\n');
  });

  it('deletes by name and by pipeline', async () => {
    // They are gone already where this is tried again.
    for (const name of ['gone', 'kept']) await createTimedOut(name).catch(unlessExists);
    expect(await run('pr', 'delete', own('gone'), '-f')).toMatchObject({
      status: 0,
      out: `PipelineRuns deleted: "${own('gone')}"\n`,
    });
    expect(await run('pr', 'delete', '-p', own('q'), '-f')).toMatchObject({
      status: 0,
      out: `All PipelineRuns(Completed) associated with Pipeline "${own('q')}" deleted in namespace "${namespace}"\n`,
    });
    expect(
      (await client.list(pipelineRuns, { namespace, labelSelector: `tekton.dev/pipeline=${own('q')}` })).items,
    ).toEqual([]);
  });

  it('prints versions', async () => {
    const before = await program.run(['version', '-n', namespace]);
    expect(before.status).toBe(0);
    expect(before.out).toMatch(/^Client version: .+\nPipeline version: unknown/);
    await client.create(configMaps, { metadata: { name: 'pipelines-info', namespace }, data: { version: 'v9.9.9' } });
    const after = await program.run(['version', '-n', namespace]);
    expect(after.out).toContain('\nPipeline version: v9.9.9\n');
    await client.delete(configMaps, namespace, 'pipelines-info');
  });
});
