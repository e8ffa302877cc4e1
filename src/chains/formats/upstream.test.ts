import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { RunObject, StatementFormat } from '../types.ts';
import { settings } from './fixture.fake.ts';
import { artifactsOf } from './index.ts';

/**
 * Statements that Tekton Chains v0.22 itself made of random runs (golden/upstream-v0.22.jsonl). Later versions, whose
 * ways are ours, say tekton.dev/v1 in the build type and put the run's name into names of by-products; times that are
 * null are left out by later API machinery. Everything else must be equal. The order of subjects is random upstream.
 */
interface Recorded {
  format: StatementFormat;
  deep: boolean;
  buildType?: string;
  run: RunObject;
  children: TaskRun[];
  statement: { subject?: unknown[] };
}

const recorded = readFileSync(new URL('golden/upstream-v0.22.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

/** Takes out what the versions differ in, opens contents, and sorts what has no order. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !(key === 'creationTimestamp' && item === null))
      .map(([key, item]) => [key, field(key, item)]),
  );
}

function field(key: string, item: unknown): unknown {
  if (key === 'subject' && Array.isArray(item))
    return item.map((subject) => JSON.stringify(comparable(subject))).sort();
  if (typeof item !== 'string') return comparable(item);
  switch (key) {
    case 'content':
      return comparable(JSON.parse(Buffer.from(item, 'base64').toString('utf8')));
    case 'buildType':
      return item.replace('tekton.dev/v1beta1/', 'tekton.dev/v1/');
    case 'name':
      return item.replace(/^((?:taskRun|step|pipelineRun)Results)\/(?:(?:tr|pr|c\d)\/)?/, '$1/');
    default:
      return item;
  }
}

test.each(recorded.map((entry, index) => ({ ...entry, index })))(
  '$index: $run.kind, $format, deep $deep, $buildType',
  ({ format, deep, buildType, run, children, statement }) => {
    const [attestation] = artifactsOf(run, children, settings(format, { deep, buildType })).artifacts;
    expect(comparable(JSON.parse(Buffer.from(attestation!.payload.json).toString('utf8')))).toEqual(
      comparable(statement),
    );
  },
);

test('all formats and kinds are among them', () => {
  expect(new Set(recorded.map(({ format, run }) => `${format} ${run.kind}`)).size).toBe(6);
});
