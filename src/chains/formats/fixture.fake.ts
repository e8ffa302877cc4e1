import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { NestedRun } from '../../core/digest/verify.ts';
import type { FormatSettings, RunObject, StatementFormat } from '../types.ts';

/** Settings with upstream's defaults but for what a test is about. */
export function settings(
  format: StatementFormat = 'in-toto',
  changes: { deep?: boolean; buildType?: string } = {},
): FormatSettings {
  return {
    builderId: 'https://tekton.dev/chains/v2',
    buildType: changes.buildType ?? 'https://tekton.dev/chains/v2/slsa',
    taskrun: { enabled: true, format },
    pipelinerun: { enabled: true, format, deepInspection: changes.deep ?? false },
    oci: { enabled: true },
  };
}

interface Fixture {
  run: RunObject;
  children: TaskRun[];
  nested: NestedRun[];
}

/** A run and what it made from golden/<name>.yaml. */
export function fixture(name: string): Fixture {
  const {
    run,
    children = [],
    nested = [],
  } = parse(readFileSync(new URL(`golden/${name}.yaml`, import.meta.url), 'utf8'), {
    merge: true,
    maxAliasCount: -1,
  }) as Pick<Fixture, 'run'> & Partial<Fixture>;
  return { run, children, nested };
}

type Parts<T extends { spec: unknown; status?: unknown }> = {
  metadata?: TaskRun['metadata'];
  spec?: Partial<T['spec']>;
  status?: T['status'];
};

export function taskRun({ metadata = {}, spec = {}, status = {} }: Parts<TaskRun>): TaskRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'run', namespace: 'team', uid: 'uid-1', ...metadata },
    spec,
    status,
  };
}

export function pipelineRun({ metadata = {}, spec = {}, status = {} }: Parts<PipelineRun>): PipelineRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name: 'run', namespace: 'team', uid: 'uid-1', ...metadata },
    spec,
    status,
  };
}
