import { describe, expect, it } from 'vitest';
import { pipelineRuns, taskRuns } from '../api/resources.ts';
import { configMaps, namespaces } from '../kube/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, pipelineRun, succeeded, taskRun } from './runs.fake.ts';

const labels = { 'app.kubernetes.io/part-of': 'tekton-pruner', 'pruner.tekton.dev/config-type': 'global' };

function environment(data: { pruner?: Record<string, string>; limits?: string }): FakeEnvironment {
  const made = new FakeEnvironment();
  const inSystem = (name: string) => ({ name, namespace: 'tekton-pipelines' });
  if (data.pruner) made.cluster.put(configMaps, { metadata: inSystem('config-pruner'), data: data.pruner });
  if (data.limits)
    made.cluster.put(configMaps, {
      metadata: { ...inSystem('tekton-pruner-default-spec'), labels },
      data: { 'global-config': data.limits },
    });
  const ended = (minutes: number) => ({
    status: { conditions: succeeded('True'), completionTime: minutesAgo(minutes) },
  });
  const at = (name: string, minutes: number) => ({ name, creationTimestamp: minutesAgo(minutes + 1) });
  made.cluster.put(pipelineRuns, pipelineRun('new', { metadata: at('new', 1), ...ended(1) }));
  made.cluster.put(pipelineRuns, pipelineRun('old', { metadata: at('old', 9), ...ended(9) }));
  made.cluster.put(
    pipelineRuns,
    pipelineRun('held', { metadata: { ...at('held', 8), finalizers: ['x/y'] }, ...ended(8) }),
  );
  made.cluster.put(taskRuns, taskRun('t', { metadata: at('t', 9), ...ended(9) }));
  return made;
}

describe('prune --dry-run', () => {
  it('says what goes, what is held, and why', async () => {
    const made = environment({ limits: 'historyLimit: 1' });
    expect(await made.run('prune --dry-run')).toBe(0);
    expect(made.out).toBe(
      [
        'ns: PipelineRun old would go: 1 newer successful runs are kept (global-config)',
        'ns: PipelineRun held stays for now: finalizer x/y holds it; name it in finalizers-on-deletion if its owner waits for the deletion; else 1 newer successful runs are kept (global-config)',
        '1 runs would be deleted\n',
      ].join('\n'),
    );
    expect(made.cluster.requests.filter((request) => !/^(get|list) /.test(request))).toEqual([]);
  });

  it('takes the schedule as if it fired now', async () => {
    const made = environment({ pruner: { schedule: '0 8 * * *', 'keep-since': '5', resources: 'taskrun' } });
    expect(await made.run('prune --dry-run --all-namespaces')).toBe(0);
    expect(made.out).toContain('ns: TaskRun t would go: it ended more than 5 minutes before 2026-05-01T12:00:00.000Z');
  });

  it('deletes nothing where nothing is set', async () => {
    const made = environment({});
    expect(await made.run('prune --dry-run')).toBe(0);
    expect(made.out).toBe('0 runs would be deleted\n');
  });

  it('warns of annotations that cannot be', async () => {
    const made = environment({ pruner: { schedule: '0 8 * * *', keep: '1' } });
    made.cluster.put(namespaces, {
      metadata: { name: 'ns', annotations: { 'operator.tekton.dev/prune.keep': 'all' } },
    });
    expect(await made.run('prune --dry-run')).toBe(0);
    expect(made.err).toContain('Warning: ns: operator.tekton.dev/prune.keep is "all"');
    expect(made.out).toBe('0 runs would be deleted\n');
  });

  it.each([
    ['prune', {}, /give --dry-run/],
    ['prune --dry-run', { pruner: { keep: 'all' } }, /nothing is pruned until config-pruner is corrected: key keep/],
    ['prune --dry-run', { pruner: { schedule: 'often' } }, /schedule "often": it has not five fields/],
    ['prune --dry-run', { pruner: { disabled: 'true' } }, /config-pruner says disabled/],
  ])('%s with %o fails', async (line, data, message) => {
    const made = environment(data);
    expect(await made.run(line)).toBe(1);
    expect(made.err).toMatch(message);
  });
});
