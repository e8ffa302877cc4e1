import { afterAll, describe, expect, it } from 'vitest';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import path from 'node:path';
import { attempt, root } from '../command.ts';
import { UNREPORTED_FILE, type Unreported } from './unreported.ts';
import { goCounts, named, run, summaryOf, totalOf, vitestCounts, type Counts } from './stage.ts';

describe('vitestCounts', () => {
  const report = (over: object) => ({
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    testResults: [],
    ...over,
  });

  const broken = { fullName: 'a run ends', status: 'failed', failureMessages: ['Error: too late\n  at here'] };
  const fine = { fullName: 'a run begins', status: 'passed', failureMessages: [] };
  const file = (over: object) => ({ name: path.join(root, 'test/a.test.ts'), status: 'failed', ...over });

  const nothing: Unreported = { retried: [], unhandled: [] };

  it.each<[string, ReturnType<typeof report>, Unreported, number, Partial<Counts>]>([
    ['all pass', report({}), nothing, 0, { failed: 0, failures: [], retried: [] }],
    ['one passes at the second try', report({}), { ...nothing, retried: ['a'] }, 0, { failed: 0, retried: ['a'] }],
    [
      'one test fails',
      report({ numFailedTests: 1, testResults: [file({ assertionResults: [fine, broken] })] }),
      nothing,
      1,
      { failed: 1, failures: ['test/a.test.ts > a run ends: Error: too late'] },
    ],
    [
      'a file breaks before its first test',
      report({ testResults: [file({ message: 'no such module', assertionResults: [] })] }),
      nothing,
      1,
      { failed: 1, failures: ['test/a.test.ts: no such module'] },
    ],
    [
      'all pass, and an error is handled by nobody',
      report({}),
      { ...nothing, unhandled: ['test/a.test.ts: Unhandled Rejection: too late'] },
      1,
      { failed: 1, failures: ['test/a.test.ts: Unhandled Rejection: too late'] },
    ],
    ['vitest itself fails', report({}), nothing, 1, { failed: 1, failures: [] }],
  ])('%s', (_name, given, unreported, status, wanted) => {
    expect(vitestCounts(given, unreported, status)).toMatchObject({ passed: 2, skipped: 1, ...wanted });
  });

  it.each([
    ['an error that is long is cut', ['x'.repeat(1000)], 'x'.repeat(300)],
    ['two tries that failed alike are told once', ['late\n  at here', 'late\n  at there'], 'late'],
    ['two that did not are told both', ['late', 'already there'], 'late; then already there'],
  ])('%s', (_name, failureMessages, wanted) => {
    const failed = { ...broken, failureMessages };
    const { failures } = vitestCounts(report({ testResults: [file({ assertionResults: [failed] })] }), nothing, 1);
    expect(failures).toEqual([`test/a.test.ts > a run ends: ${wanted}`]);
  });
});

describe('goCounts', () => {
  it('counts tests and sub-tests, not packages', () => {
    const lines = [
      { Action: 'pass', Test: 'TestA' },
      { Action: 'fail', Package: 'a/b', Test: 'TestB/row' },
      { Action: 'skip', Test: 'TestC' },
      { Action: 'pass' },
      { Action: 'output', Test: 'TestA', Output: '{not counted}' },
    ];
    expect(goCounts(`${lines.map((line) => JSON.stringify(line)).join('\n')}\nFAIL\n`)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
      failures: ['a/b TestB/row'],
    });
  });
});

describe('totalOf and summaryOf', () => {
  const stage = (over: Partial<Counts> = {}): Counts => ({ passed: 3, failed: 0, skipped: 0, ...over });

  it.each<[string, Counts[], string[]]>([
    ['nothing special', [stage(), stage()], ['0 tests tried again', '', '6 passed, 0 failed']],
    [
      'a failed test',
      [stage({ failed: 1, failures: ['test/a.test.ts > a run ends: Error: too late'] }), stage()],
      ['failed: test/a.test.ts > a run ends: Error: too late', '0 tests tried again', '', '6 passed, 1 failed'],
    ],
    ['skipped tests', [stage({ skipped: 2 })], ['0 tests tried again', '', '3 passed, 0 failed, 2 skipped']],
    [
      'two tests tried again, in two stages',
      [stage({ retried: ['a'] }), stage({ retried: ['b'] })],
      [
        'passed only when tried again: a',
        'passed only when tried again: b',
        '2 tests tried again',
        '',
        '6 passed, 0 failed',
      ],
    ],
    [
      'three tests tried again',
      [stage({ retried: ['a'] }), stage({ retried: ['b', 'c'], failed: 1 })],
      [
        'passed only when tried again: a',
        'passed only when tried again: b',
        'passed only when tried again: c',
        '3 tests tried again, more than 2: a failure',
        '',
        '6 passed, 2 failed',
      ],
    ],
  ])('%s', (_name, stages, lines) => {
    expect(summaryOf(totalOf(stages))).toEqual(lines);
  });
});

describe('stages beside each other', () => {
  it('say of each line whose it is, and keep what their commands print as it is', async () => {
    const module = JSON.stringify(path.join(import.meta.dirname, 'stage.ts'));
    const script = `import { named, run } from ${module};
      const say = (text) => run([process.execPath, '-e', \`console.log("\${text}\\\\nand more"); console.error("a warning")\`]);
      const [first] = await Promise.all([named('one', () => say('first')), named('two', () => say('second'))]);
      console.log(JSON.stringify(first.stdout));`;
    const { stdout, stderr } = await attempt([process.execPath, '--input-type=module', '--eval', script]);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.pop()).toBe('"first\\nand more\\n"');
    expect(lines.sort()).toEqual([
      'one         | and more',
      'one         | first',
      'two         | and more',
      'two         | second',
    ]);
    expect(stderr.trimEnd().split('\n').sort()).toEqual(['one         | a warning', 'two         | a warning']);
  });

  it.each([0, 5])('run as nice as they are told: %i', async (niceness) => {
    const told = () => run([process.execPath, '-p', 'os.getPriority()']);
    const { stdout } = await named('one', told, niceness);
    expect(Number(stdout)).toBe(getPriority() + niceness);
  });
});

describe('the reporter of what is not in the report', () => {
  const folder = mkdtempSync(path.join(root, 'node_modules', '.tektite-unreported-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What it writes of a file of tests that fails. */
  async function unreported(tests: string): Promise<unknown> {
    writeFileSync(path.join(folder, 'some.test.mjs'), `import { expect, test } from 'vitest';\n${tests}`);
    writeFileSync(
      path.join(folder, 'vitest.config.mjs'),
      `export default { test: { include: ['some.test.mjs'], exclude: [], retry: 1 } };`,
    );
    const file = path.join(folder, 'unreported.json');
    const reporter = path.join(import.meta.dirname, 'unreported.ts');
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const result = await attempt([process.execPath, vitest, 'run', '--root', folder, `--reporter=${reporter}`], {
      env: { [UNREPORTED_FILE]: file },
    });
    expect(result.status, result.output).toBe(1);
    return JSON.parse(readFileSync(file, 'utf8'));
  }

  it('names what passed at the second try, not what passed at once or failed twice', async () => {
    const tests = `const tries = {};
      const passesAt = (wanted) => ({ task }) => expect(tries[task.name] = (tries[task.name] ?? 0) + 1).toBe(wanted);
      test('at once', passesAt(1));
      test('at the second try', passesAt(2));
      test('never', passesAt(9));`;
    expect(await unreported(tests)).toEqual({
      retried: ['some.test.mjs > at the second try: expected 1 to be 2 // Object.is equality'],
      unhandled: [],
    });
  });

  it('names the test during which an error was handled by nobody, and where it was made', async () => {
    const tests = `test('is fine', async () => {
        void Promise.reject(new Error('too late\\nby an hour'));
        await new Promise((resolve) => setTimeout(resolve, 100));
      });`;
    expect(await unreported(tests)).toEqual({
      retried: [],
      unhandled: [
        expect.stringMatching(
          /^node_modules\/\S+\/some\.test\.mjs > is fine: Unhandled Rejection: too late \(at .*some\.test\.mjs:3:/,
        ),
      ],
    });
  });
});
