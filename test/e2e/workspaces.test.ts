import { describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { configMaps, persistentVolumeClaims, pods, secrets } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { attributesDriver, startCsiDriver } from './csi-driver.ts';
import { testCluster } from './setup.ts';

const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('workspaces');
const show = (path: string) => ({
  name: 'show',
  image,
  script: `#!/bin/sh\ncat $(workspaces.data.path)/${path} | tee $(results.seen.path)\n`,
});
const reader = (path: string) => ({ workspaces: [{ name: 'data' }], results: [{ name: 'seen' }], steps: [show(path)] });

describe('a workspace', () => {
  it('from a configMap', async () => {
    await bench.create(configMaps, { metadata: { name: 'settings' }, data: { colour: 'blue' } });
    const run = await bench.runTask({
      workspaces: [{ name: 'data', configMap: { name: 'settings' } }],
      taskSpec: reader('colour'),
    });
    expect(run.status?.results?.[0]?.value).toBe('blue');
  });

  it('from a secret', async () => {
    await bench.create(secrets, { metadata: { name: 'keys' }, stringData: { password: 'hunter2' } });
    const run = await bench.runTask({
      workspaces: [{ name: 'data', secret: { secretName: 'keys' } }],
      taskSpec: reader('password'),
    });
    expect(run.status?.results?.[0]?.value).toBe('hunter2');
  });

  it('projected from several sources', async () => {
    await bench.create(configMaps, { metadata: { name: 'part' }, data: { one: 'from a map' } });
    await bench.create(secrets, { metadata: { name: 'part' }, stringData: { two: 'from a secret' } });
    const sources = [
      { configMap: { name: 'part' } },
      { secret: { name: 'part', items: [{ key: 'two', path: 'deep/two' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ];
    const run = await bench.runTask({
      workspaces: [{ name: 'data', projected: { sources } }],
      taskSpec: {
        ...reader(''),
        steps: [
          {
            ...show(''),
            script: show('').script.replace(/cat \S+/, 'cd $(workspaces.data.path); cat one deep/two namespace'),
          },
        ],
      },
    });
    expect(run.status?.results?.[0]?.value).toBe(`from a mapfrom a secret${bench.namespace}`);
  });

  it('from a csi driver', async () => {
    const { cluster } = await testCluster();
    const driver = await startCsiDriver({ cluster, client: bench.client }, attributesDriver);
    try {
      const run = await bench.runTask({
        workspaces: [{ name: 'data', csi: { driver: attributesDriver.name, volumeAttributes: { colour: 'green' } } }],
        taskSpec: reader('colour'),
      });
      expect(run.status?.results?.[0]?.value).toBe('green');
      // The driver is there until the volume is not.
      await bench.client.delete(pods, bench.namespace, run.status?.podName ?? '');
      await driver.unpublished;
    } finally {
      await driver.stop();
    }
  });

  it('from an emptyDir is shared by the steps of a task', async () => {
    const run = await bench.runTask({
      workspaces: [{ name: 'data', emptyDir: {} }],
      taskSpec: {
        ...reader('note'),
        steps: [
          { name: 'write', image, script: '#!/bin/sh\nprintf kept > $(workspaces.data.path)/note\n' },
          show('note'),
        ],
      },
    });
    expect(run.status?.results?.[0]?.value).toBe('kept');
  });

  it('that is optional and not given is not bound', async () => {
    const run = await bench.runTask({
      taskSpec: {
        workspaces: [{ name: 'data', optional: true }],
        results: [{ name: 'bound' }],
        steps: [{ name: 'x', image, script: '#!/bin/sh\nprintf "$(workspaces.data.bound)" > $(results.bound.path)\n' }],
      },
    });
    expect(run.status?.results?.[0]?.value).toBe('false');
  });

  it('from a volumeClaimTemplate is one claim that the tasks of a pipeline share and the run owns', async () => {
    const run = await bench.runPipeline({
      workspaces: [
        {
          name: 'disk',
          subPath: 'sub',
          volumeClaimTemplate: {
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
          },
        },
      ],
      pipelineSpec: {
        workspaces: [{ name: 'disk' }],
        tasks: [
          {
            name: 'write',
            workspaces: [{ name: 'data', workspace: 'disk' }],
            taskSpec: {
              workspaces: [{ name: 'data' }],
              steps: [{ name: 'w', image, script: '#!/bin/sh\nprintf passed > $(workspaces.data.path)/note\n' }],
            },
          },
          {
            name: 'read',
            runAfter: ['write'],
            workspaces: [{ name: 'data', workspace: 'disk' }],
            taskSpec: reader('note'),
          },
        ],
        results: [{ name: 'seen', value: '$(tasks.read.results.seen)' }],
      },
    });
    expect(succeededCondition(run.status)?.message).toBe('Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0');
    expect(run.status?.results).toEqual([{ name: 'seen', value: 'passed' }]);
    const claims = (await bench.client.list(persistentVolumeClaims, { namespace: bench.namespace })).items;
    expect(claims.map((claim) => claim.metadata.ownerReferences?.map((owner) => [owner.kind, owner.name]))).toEqual([
      [['PipelineRun', run.metadata.name]],
    ]);
    expect(claims[0]?.metadata.name).toMatch(/^pvc-[0-9a-f]{10}$/);
  });
});

describe('a rerun from a failure', () => {
  const inVolume = (name: string, script: string, more: object = {}) => ({
    name,
    workspaces: [{ name: 'data', workspace: 'disk' }],
    taskSpec: {
      workspaces: [{ name: 'data' }],
      results: [{ name: 'seen' }],
      steps: [{ name: 's', image, script: `#!/bin/sh\nset -e\ncd $(workspaces.data.path)\n${script}` }],
    },
    ...more,
  });
  const spec = {
    workspaces: [
      {
        name: 'disk',
        volumeClaimTemplate: {
          metadata: { labels: { test: 'rerun' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
        },
      },
    ],
    pipelineSpec: {
      workspaces: [{ name: 'disk' }],
      tasks: [
        inVolume('count', 'echo x >> runs\nwc -l < runs | tr -d " \\n" > $(results.seen.path)\n'),
        // Fails until it finds that it was here before: only in the volume of the earlier run.
        inVolume('flaky', 'test -e been || { touch been; exit 3; }\ncat runs | tr -d "\\n" > $(results.seen.path)\n', {
          runAfter: ['count'],
        }),
      ],
      results: [
        { name: 'count', value: '$(tasks.count.results.seen)' },
        { name: 'lines', value: '$(tasks.flaky.results.seen)' },
      ],
    },
  };

  async function ownersOfClaims(): Promise<(string[] | undefined)[]> {
    const { items } = await bench.client.list(persistentVolumeClaims, { namespace: bench.namespace });
    const shared = items.filter(({ metadata }) => metadata.labels?.['test'] === 'rerun');
    return shared.map(({ metadata }) => metadata.ownerReferences?.map((owner) => owner.name));
  }

  it('does what failed, in the volume of the failed run, which stays when that run is deleted', async () => {
    const failed = await bench.runPipeline(spec);
    const name = failed.metadata.name ?? '';
    expect(succeededCondition(failed.status)?.reason).toBe('Failed');
    const { status, out, err } = await bench.tektite('pipelinerun', 'rerun', name, '--from-failure', '-o', 'name');
    expect(status, err).toBe(0);
    const runs = pipelineRuns;
    const run = await bench.waitFor(await bench.client.get(runs, bench.namespace, out.trim()));
    expect(succeededCondition(run.status)?.message).toBe('Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 0');
    expect(run.status?.results).toEqual([
      { name: 'count', value: '1' },
      { name: 'lines', value: 'x' },
    ]);
    const logs = await bench.tektite('pipelinerun', 'logs', out.trim());
    expect(logs.out).toContain(
      `has the results of TaskRun ${name}-count of PipelineRun ${name}, and no log of its own`,
    );
    await bench.client.delete(runs, bench.namespace, name);
    await expect.poll(ownersOfClaims, { timeout: 20_000 }).toEqual([[out.trim()]]);
  });
});
