import { describe, expect, it } from 'vitest';
import { confirmationQuestion, deletionReport, requestFault, selectDoomed } from './deletion.ts';
import type { DeletionRequest } from './deletion.ts';
import { pipelineRunKind, taskRunKind } from './kinds.ts';
import type { Run } from './kinds.ts';

const now = new Date('2026-05-01T12:00:00Z');
const minutesAgo = (minutes: number): string => new Date(now.getTime() - minutes * 60_000).toISOString();

function done(name: string, started: number, completed: number): Run {
  return {
    metadata: { name },
    spec: {},
    status: {
      startTime: minutesAgo(started),
      completionTime: minutesAgo(completed),
      conditions: [{ type: 'Succeeded', status: 'True' }],
    },
  };
}
function running(name: string, started: number): Run {
  return {
    metadata: { name },
    spec: {},
    status: {
      startTime: minutesAgo(started),
      conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }],
    },
  };
}
const fresh: Run = { metadata: { name: 'fresh' }, spec: {} };
const runs = [done('oldest', 50, 40), done('middle', 30, 20), done('newest', 9, 5), running('running', 3), fresh];

describe('selectDoomed', () => {
  it.each<[string, Parameters<typeof selectDoomed>[1], string[], string[]]>([
    ['all that are done', { keep: 0, keepSinceMinutes: 0, ignoreRunning: true }, ['oldest', 'middle', 'newest'], []],
    [
      'all',
      { keep: 0, keepSinceMinutes: 0, ignoreRunning: false },
      ['oldest', 'middle', 'newest', 'running', 'fresh'],
      [],
    ],
    [
      'all but the newest done',
      { keep: 1, keepSinceMinutes: 0, ignoreRunning: true },
      ['middle', 'oldest'],
      ['newest'],
    ],
    [
      'all but the newest, where those that have not begun count as newest',
      { keep: 2, keepSinceMinutes: 0, ignoreRunning: false },
      ['newest', 'middle', 'oldest'],
      ['fresh', 'running'],
    ],
    [
      'more to keep than there are',
      { keep: 9, keepSinceMinutes: 0, ignoreRunning: true },
      [],
      ['newest', 'middle', 'oldest'],
    ],
    ['those done for long', { keep: 0, keepSinceMinutes: 30, ignoreRunning: true }, ['oldest'], ['middle', 'newest']],
    [
      'those done for long and the running ones',
      { keep: 0, keepSinceMinutes: 30, ignoreRunning: false },
      ['oldest', 'running', 'fresh'],
      ['middle', 'newest'],
    ],
    [
      'by age when it keeps just as many',
      { keep: 2, keepSinceMinutes: 30, ignoreRunning: true },
      ['oldest'],
      ['middle', 'newest'],
    ],
    [
      'by number when age keeps another number',
      { keep: 1, keepSinceMinutes: 30, ignoreRunning: true },
      ['middle', 'oldest'],
      ['newest'],
    ],
  ])('%s', (_name, sparing, doomed, kept) => {
    expect(selectDoomed(runs, sparing, now)).toEqual({ doomed, kept });
  });

  it('keeps and deletes each candidate once', () => {
    for (const keep of [0, 1, 2, 5]) {
      for (const keepSinceMinutes of [0, 10, 30, 100]) {
        const { doomed, kept } = selectDoomed(runs, { keep, keepSinceMinutes, ignoreRunning: false }, now);
        expect([...doomed, ...kept].sort()).toEqual(['fresh', 'middle', 'newest', 'oldest', 'running']);
      }
    }
  });
});

const nothing: DeletionRequest = {
  names: [],
  all: false,
  parentName: '',
  force: false,
  label: '',
  keep: 0,
  keepSinceMinutes: 0,
  ignoreRunning: true,
};

describe('requestFault', () => {
  it.each<[string, Partial<DeletionRequest>, string | undefined]>([
    ['nothing named', {}, 'must provide PipelineRun name(s) or use --pipeline flag or --all flag to use delete'],
    ['names', { names: ['a'] }, undefined],
    ['all', { all: true }, undefined],
    ['a parent', { parentName: 'p', keep: 2 }, undefined],
    ['keep alone means all', { keep: 2 }, undefined],
    ['keep below 0', { keep: -1 }, 'keep option should not be lower than 0'],
    ['keep-since below 0', { keepSinceMinutes: -1 }, 'keep-since option should not be lower than 0'],
    ['both below 0', { keep: -1, keepSinceMinutes: -1 }, 'keep and keep-since option should not be lower than 0'],
    [
      'names and all',
      { names: ['a'], all: true },
      '--all flag should not have any arguments or flags specified with it',
    ],
    ['names and keep', { names: ['a'], keep: 1 }, '--keep flag should not have any arguments specified with it'],
    [
      'names and keep-since',
      { names: ['a'], keepSinceMinutes: 1 },
      '--all flag should not have any arguments or flags specified with it',
    ],
    [
      'names and a parent',
      { names: ['a'], parentName: 'p' },
      '--pipeline flag should not have any arguments specified with it',
    ],
    [
      'keep, all and a parent',
      { keep: 1, all: true, parentName: 'p' },
      '--keep or --keep-since, --all and --pipeline cannot be used together',
    ],
    ['a label without all', { names: ['a'], label: 'x=y' }, '--label is a filter for --all: give both'],
  ])('%s', (_name, request, expected) => {
    expect(requestFault({ ...nothing, ...request }, pipelineRunKind)).toBe(expected);
  });
});

describe('requestFault of TaskRuns', () => {
  it.each<[string, Partial<DeletionRequest>, string | undefined]>([
    ['nothing named', {}, 'must provide TaskRun name(s) or use --all flag with delete'],
    ['keep-since below 0', { keepSinceMinutes: -1 }, 'since option should not be lower than 0'],
  ])('%s', (_name, request, expected) => {
    expect(requestFault({ ...nothing, ...request }, taskRunKind)).toBe(expected);
  });
});

describe('confirmationQuestion', () => {
  it.each<[Partial<DeletionRequest>, string]>([
    [{ names: ['a', 'b'] }, 'Are you sure you want to delete PipelineRun(s) "a", "b" (y/n): '],
    [{ all: true }, 'Are you sure you want to delete all PipelineRuns in namespace "ns" (y/n): '],
    [{ keep: 2 }, 'Are you sure you want to delete all PipelineRuns in namespace "ns" keeping 2 PipelineRuns (y/n): '],
    [
      { keepSinceMinutes: 60 },
      'Are you sure you want to delete all PipelineRuns in namespace "ns" except for ones created in last 60 minutes (y/n): ',
    ],
    [
      { keep: 2, keepSinceMinutes: 60 },
      'Are you sure you want to delete all PipelineRuns in namespace "ns" except for ones created in last 60 minutes and keeping 2 PipelineRuns (y/n): ',
    ],
    [{ parentName: 'p' }, 'Are you sure you want to delete all PipelineRuns related to Pipeline "p" (y/n): '],
  ])('%j', (request, expected) => {
    expect(confirmationQuestion({ ...nothing, ...request }, pipelineRunKind, 'ns')).toBe(expected);
  });
});

describe('deletionReport', () => {
  const selection = { doomed: ['a', 'b', 'c'], kept: ['d'] };
  it.each<[Partial<DeletionRequest>, string, string]>([
    [
      { all: true },
      'All PipelineRuns(Completed) deleted in namespace "ns"',
      'All 3 TaskRuns(Completed) deleted in namespace "ns"',
    ],
    [
      { all: true, ignoreRunning: false },
      'All PipelineRuns deleted in namespace "ns"',
      'All 3 TaskRuns deleted in namespace "ns"',
    ],
    [
      { keep: 1 },
      'All but 1 PipelineRuns(Completed) deleted in namespace "ns"',
      'All but 1 TaskRuns(Completed) deleted in namespace "ns"',
    ],
    [
      { keepSinceMinutes: 9 },
      '3 expired PipelineRuns(Completed) has been deleted in namespace "ns", kept 1',
      '3 expired Taskruns(Completed) has been deleted in namespace "ns", kept 1',
    ],
    [
      { keep: 1, keepSinceMinutes: 9 },
      '3 PipelineRuns(Completed) has been deleted in namespace "ns", kept 1',
      '3 TaskRuns(Completed) has been deleted in namespace "ns", kept 1',
    ],
    [
      { parentName: 'p' },
      'All PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"',
      'All 3 TaskRuns(Completed) associated with Task "p" deleted in namespace "ns"',
    ],
    [
      { parentName: 'p', keep: 1 },
      'All but 1 PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"',
      'All but 1 TaskRuns(Completed) associated with Task "p" deleted in namespace "ns"',
    ],
    [
      { parentName: 'p', keepSinceMinutes: 9 },
      'All but 3 expired PipelineRuns(Completed) associated with Pipeline "p" deleted in namespace "ns"',
      'All but 3 expired TaskRuns associated with "Task" "p" deleted in namespace "ns"',
    ],
    [
      { parentName: 'p', keep: 1, keepSinceMinutes: 9 },
      '3 PipelineRuns(Completed) associated with Pipeline "p" has been deleted in namespace "ns"',
      '3 TaskRuns(Completed) associated with Task "p" has been deleted in namespace "ns"',
    ],
  ])('%j', (request, ofPipelineRuns, ofTaskRuns) => {
    expect(deletionReport({ ...nothing, ...request }, pipelineRunKind, 'ns', selection)).toBe(ofPipelineRuns);
    expect(deletionReport({ ...nothing, ...request }, taskRunKind, 'ns', selection)).toBe(ofTaskRuns);
  });
});
