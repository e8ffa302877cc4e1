import { describe, expect, it } from 'vitest';
import { goCounts, vitestCounts } from './stage.ts';

describe('vitestCounts', () => {
  const report = (over: object) => ({
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    testResults: [],
    ...over,
  });

  it.each([
    ['all pass', report({}), 0, { passed: 2, failed: 0, skipped: 1 }],
    [
      'one test fails',
      report({ numFailedTests: 1, testResults: [{ status: 'failed', assertionResults: [{ status: 'failed' }] }] }),
      1,
      { passed: 2, failed: 1, skipped: 1 },
    ],
    [
      'a file breaks before its first test',
      report({ testResults: [{ status: 'failed', assertionResults: [] }] }),
      1,
      { passed: 2, failed: 1, skipped: 1 },
    ],
    ['vitest itself fails (an unhandled error)', report({}), 1, { passed: 2, failed: 1, skipped: 1 }],
  ])('%s', (_name, given, status, wanted) => {
    expect(vitestCounts(given, status)).toEqual(wanted);
  });
});

describe('goCounts', () => {
  it('counts tests and sub-tests, not packages', () => {
    const lines = [
      { Action: 'pass', Test: 'TestA' },
      { Action: 'fail', Test: 'TestB/row' },
      { Action: 'skip', Test: 'TestC' },
      { Action: 'pass' },
      { Action: 'output', Test: 'TestA', Output: '{not counted}' },
    ];
    expect(goCounts(`${lines.map((line) => JSON.stringify(line)).join('\n')}\nFAIL\n`)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
    });
  });
});
