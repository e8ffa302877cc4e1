import { describe, expect, it } from 'vitest';
import { configMaps } from '../kube/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { commandNames } from './main.ts';

describe('help', () => {
  it.each([
    ['root', 'help'],
    ['group', 'pr'],
    ['delete', 'taskrun delete --help'],
    ['logs', 'help pr logs'],
  ])('%s', async (name, line) => {
    const made = new FakeEnvironment();
    expect(await made.run(line)).toBe(0);
    await expect(made.out).toMatchFileSnapshot(`golden/help-${name}.txt`);
    expect(made.cluster.requests).toEqual([]);
  });

  it('is the same by any way of asking', async () => {
    const texts = await Promise.all(
      ['pr list -h', 'pipelinerun ls --help', 'help pr list', '-n x pipelineruns list -h'].map(async (line) => {
        const made = new FakeEnvironment();
        await made.run(line);
        return made.out;
      }),
    );
    expect(new Set(texts).size).toBe(1);
  });
});

describe('a command line that cannot be understood', () => {
  it.each([
    [
      'pr lisst',
      'unknown command "lisst" for "tektite pipelinerun"\n\nDid you mean this?\n\tlist\n\nRun \'tektite pipelinerun --help\' for usage.\n',
    ],
    ['nonsense', 'unknown command "nonsense" for "tektite"\nRun \'tektite --help\' for usage.\n'],
    ['pr list --nope', "unknown flag: --nope\nRun 'tektite pipelinerun list --help' for usage.\n"],
    ['pr cancel a b', "accepts 1 arg(s), received 2\nRun 'tektite pipelinerun cancel --help' for usage.\n"],
    [
      'pr list --limit x',
      'invalid argument "x" for "--limit" flag: must be a whole number\nRun \'tektite pipelinerun list --help\' for usage.\n',
    ],
  ])('%s', async (line, message) => {
    const made = new FakeEnvironment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toBe(`Error: ${message}`);
    expect(made.out).toBe('');
  });
});

describe('surroundings', () => {
  it('reports that there is no cluster', async () => {
    const made = new FakeEnvironment();
    made.connectFailure = new Error('no cluster is configured');
    expect(await made.run('pr list')).toBe(1);
    expect(made.err).toBe('Error: no cluster is configured\n');
  });

  it('ends with 130 when interrupted', async () => {
    const made = new FakeEnvironment();
    const stop = new AbortController();
    stop.abort();
    made.cluster.failures.set('list pipelineruns', [stop.signal.reason as Error]);
    expect(await made.run('pr list', stop.signal)).toBe(130);
    expect(made.err).toBe('');
  });

  it('knows its words', () => {
    expect(commandNames).toEqual(
      expect.arrayContaining(['pipelinerun', 'pr', 'pipelineruns', 'taskrun', 'tr', 'taskruns', 'version', 'help']),
    );
  });
});

describe('version', () => {
  const configMap = (namespace: string, name: string, version: string) => ({
    metadata: { namespace, name },
    data: { version },
  });

  it('prints what it finds, wherever it is', async () => {
    const made = new FakeEnvironment();
    made.cluster.put(configMaps, configMap('tekton-pipelines', 'pipelines-info', 'v1.0.0'));
    made.cluster.put(configMaps, configMap('tekton-chains', 'chains-info', 'v0.24.0'));
    expect(await made.run('version')).toBe(0);
    expect(made.out).toBe('Client version: v0.1.0\nChains version: v0.24.0\nPipeline version: v1.0.0\n');
  });

  it.each([
    ['client', 'v0.1.0'],
    ['pipeline', 'v1.0.0'],
    ['hub', 'v3'],
    ['chains', 'unknown'],
    ['nonsense', 'Invalid component value'],
  ])('prints that of one component: %s', async (component, expected) => {
    const made = new FakeEnvironment();
    made.cluster.put(configMaps, configMap('tekton-pipelines', 'pipelines-info', 'v1.0.0'));
    made.cluster.put(configMaps, configMap('tekton-operator', 'hub-info', 'v3'));
    expect(await made.run(`version --component ${component}`)).toBe(0);
    expect(made.out).toBe(`${expected}\n`);
  });

  it.each([
    ['client', 'v0.1.0'],
    ['pipeline', 'unknown'],
  ])('prints that of one component without a cluster: %s', async (component, expected) => {
    const made = new FakeEnvironment();
    made.connectFailure = new Error('none');
    expect(await made.run(`version --component ${component}`)).toBe(0);
    expect(made.out).toBe(`${expected}\n`);
  });

  it('looks only where it is told to', async () => {
    const made = new FakeEnvironment();
    made.cluster.put(configMaps, configMap('tekton-pipelines', 'pipelines-info', 'v1.0.0'));
    await made.run('version -n elsewhere');
    expect(made.out).toContain('Pipeline version: unknown');
  });

  it('prints its own without a cluster', async () => {
    const made = new FakeEnvironment();
    made.connectFailure = new Error('none');
    expect(await made.run('version')).toBe(0);
    expect(made.out).toBe('Client version: v0.1.0\n');
  });
});
