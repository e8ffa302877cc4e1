import { describe, expect, it } from 'vitest';
import { parsePruner } from './config-pruner.ts';
import { parseGlobalPruning, parseNamespacePruning } from './pruner-limits.ts';

describe('parseGlobalPruning', () => {
  it('reads limits, entries and numbers', () => {
    const text =
      'enforcedConfigLevel: namespace\nhistoryLimit: 100\nnamespaces:\n  dev: {ttlSecondsAfterFinished: 60}\n';
    expect(parseGlobalPruning(text)).toEqual({
      config: {
        enforcedConfigLevel: 'namespace',
        historyLimit: 100,
        namespaces: { dev: { ttlSecondsAfterFinished: 60 } },
      },
      problems: [],
    });
  });

  it.each([
    ['historyLimit: -1', 'global-config: historyLimit cannot be negative, got -1'],
    [
      'enforcedConfigLevel: all',
      "global-config: invalid enforcedConfigLevel 'all', must be one of: global, namespace, resource",
    ],
    [
      'namespaces: {dev: {pipelineRuns: [{selector: [{matchLabels: {a: b}}]}]}}',
      'global-config.namespaces.dev.pipelineRuns[0]: selectors are NOT supported in global ConfigMap. Use namespace-level ConfigMap (tekton-pruner-namespace-spec) instead',
    ],
    ['historyLimit: many', 'global-config.historyLimit: Invalid input'],
    ['a: [', 'global-config: is not YAML'],
    ['', 'global-config: is empty'],
    ['#'.repeat(70_000), 'global-config: has 70000 characters; write at most 65536'],
  ])('%s deletes nothing', (text, problem) => {
    const { config, problems } = parseGlobalPruning(text);
    expect(config).toBeUndefined();
    expect(problems.join('\n')).toContain(problem);
  });
});

describe('parseNamespacePruning', () => {
  const global = { ttlSecondsAfterFinished: 60, historyLimit: 10 };
  it.each([
    [
      'a longer time than the operator allows',
      'ttlSecondsAfterFinished: 61',
      global,
      { ttlSecondsAfterFinished: 60 },
      'ns-config: ttlSecondsAfterFinished (61) cannot exceed global limit (60)',
    ],
    [
      'more runs than the operator allows',
      'failedHistoryLimit: 11',
      global,
      { failedHistoryLimit: 10 },
      'ns-config: failedHistoryLimit (11) cannot exceed global limit (10)',
    ],
    [
      'more than the system allows',
      'ttlSecondsAfterFinished: 2592001',
      {},
      { ttlSecondsAfterFinished: 2_592_000 },
      'ns-config: ttlSecondsAfterFinished (2592001) cannot exceed system maximum (2592000 seconds / 30 days)',
    ],
    [
      'many selectors together',
      'successfulHistoryLimit: 5\npipelineRuns: [{selector: [{matchLabels: {a: b}}], successfulHistoryLimit: 6}]',
      global,
      { successfulHistoryLimit: 5 },
      "namespace 'dev' ns-config.pipelineRuns: sum of selector successfulHistoryLimit (6) cannot exceed upper bound (5)",
    ],
  ])('%s is told, and counts as much as is allowed', (_name, text, operator, wanted, problem) => {
    const { config, problems } = parseNamespacePruning(text, 'dev', operator);
    expect(config).toMatchObject(wanted);
    expect(problems).toEqual([problem]);
  });

  it('a hundred entries at most', () => {
    const text = JSON.stringify({ taskRuns: Array.from({ length: 101 }, (_, i) => ({ name: `t${i}` })) });
    expect(parseNamespacePruning(text, 'dev', global).config).toBeUndefined();
  });
});

describe('parsePruner', () => {
  it('prunes nothing by itself', () => {
    expect(parsePruner(undefined)).toEqual({
      pruner: {
        disabled: false,
        schedule: '',
        startingDeadlineSeconds: 600,
        resources: ['pipelinerun'],
        keep: 100,
        perResource: false,
        deletionsPerSecond: 20,
        dryRun: false,
        waitForSignatureMs: 0,
        finalizersOnDeletion: [],
      },
      problems: [],
    });
  });
  it('keep and keep-since exclude each other', () => {
    expect(parsePruner({ keep: '1', 'keep-since': '2' }).problems.map(({ message }) => message)).toEqual([
      'keep and keep-since cannot both be set; nothing is pruned until you take one away',
    ]);
  });
});
