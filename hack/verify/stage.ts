import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { failure } from './failure.ts';
import { UNREPORTED_FILE, type Unreported } from './unreported.ts';
import { attempt, root, type CommandResult } from '../command.ts';

/** What a stage found. A stage that could not run at all counts as one failure. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** Tests that passed, but not at the first try: name and first error, a line each. */
  retried?: readonly string[];
  /** What failed, a line each: the test's file and name, and the beginning of each try's error. */
  failures?: readonly string[];
}

/** More tests than these that pass only when tried again are a defect, not chance. */
export const MAX_RETRIED = 2;

/** The stage that is running here: stages run beside each other. */
const running = new AsyncLocalStorage<{ prefix: string; niceness: number }>();

/**
 * Runs a stage: each line that its commands print begins with the stage's name. What is not as nice (0, as `nice` has
 * it) has the processors first.
 */
export function named<T>(stage: string, work: () => Promise<T>, niceness = 0): Promise<T> {
  return running.run({ prefix: `${stage.padEnd(11)} | `, niceness }, work);
}

/** Runs a command in the project's folder, shows what it prints and keeps it. */
export function run(words: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Promise<CommandResult> {
  const { prefix, niceness = 0 } = running.getStore() ?? {};
  return attempt(niceness === 0 ? words : ['nice', '-n', String(niceness), ...words], {
    env,
    show: true,
    showOutput: true,
    prefix,
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** One check that passes or fails as a whole: the type check, the linter, generated files. */
export async function check(...words: string[]): Promise<Counts> {
  const { status } = await run(words);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: VitestFile[];
}

interface VitestFile {
  name: string;
  status: string;
  /** Of a file that broke outside its tests. */
  message?: string;
  assertionResults: { fullName: string; status: string; failureMessages?: string[] | null }[];
}

/** The tests of one vitest project, counted from vitest's own report. */
export async function vitest(
  project: string,
  env: NodeJS.ProcessEnv = {},
  files: readonly string[] = process.argv.slice(2),
): Promise<Counts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tektite-vitest-'));
  const report = path.join(folder, 'report.json');
  const unreported = path.join(folder, 'unreported.json');
  try {
    const words = [
      process.execPath,
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      '--reporter=./hack/verify/unreported.ts',
      `--outputFile.json=${report}`,
      ...files,
    ];
    const { status } = await run(words, { ...env, [UNREPORTED_FILE]: unreported });
    return vitestCounts(
      JSON.parse(readFileSync(report, 'utf8')) as VitestReport,
      JSON.parse(readFileSync(unreported, 'utf8')) as Unreported,
      status,
    );
  } catch (error) {
    console.error(`${project} tests left no report: ${String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A file that fails before its first test (an import, a hook) has no failed test, yet it is a failure. So is an error
 * that nobody handled.
 */
export function vitestCounts(report: VitestReport, { retried, unhandled }: Unreported, status: number): Counts {
  const failures = [...report.testResults.flatMap(failuresOf), ...unhandled];
  return {
    passed: report.numPassedTests,
    failed: failures.length === 0 && status !== 0 ? 1 : failures.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
    retried,
  };
}

function failuresOf({ name, status, message = '', assertionResults }: VitestFile): string[] {
  const file = path.relative(root, name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (status === 'failed' && failed.length === 0) return [failure(file, [message])];
  return failed.map((test) => failure(`${file} > ${test.fullName}`, test.failureMessages ?? []));
}

/** The tests of a Go module, counted from `go test -json`. */
export async function goTests(folder: string): Promise<Counts> {
  const vet = await run(['go', 'vet', './...'], {}, path.join(root, folder));
  const tests = await attempt(['go', 'test', '-json', './...'], {
    cwd: path.join(root, folder),
    show: true,
    prefix: running.getStore()?.prefix,
  });
  const counts = goCounts(tests.stdout);
  if (vet.status !== 0) counts.failed += 1;
  if (tests.status !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.failed > 0) process.stdout.write(tests.output);
  return counts;
}

/** Counts of top-level and sub-tests in the lines of `go test -json`. */
export function goCounts(output: string): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] as string[] };
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const event = JSON.parse(line) as { Action: string; Package?: string; Test?: string };
    if (event.Test === undefined) continue;
    if (event.Action === 'pass') counts.passed += 1;
    else if (event.Action === 'skip') counts.skipped += 1;
    else if (event.Action === 'fail') {
      counts.failed += 1;
      counts.failures.push(`${event.Package ?? ''} ${event.Test}`);
    }
  }
  return counts;
}

/** All stages together. Too many tests that had to be tried again count as one failure. */
export function totalOf(stages: readonly Counts[]): Required<Counts> {
  const sum = (pick: (counts: Counts) => number): number => stages.reduce((total, counts) => total + pick(counts), 0);
  const retried = stages.flatMap((counts) => counts.retried ?? []);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed) + (retried.length > MAX_RETRIED ? 1 : 0),
    skipped: sum(({ skipped }) => skipped),
    retried,
    failures: stages.flatMap((counts) => counts.failures ?? []),
  };
}

/** What the run ends with: a line per test that failed or was tried again, then the line that counts. */
export function summaryOf({ passed, failed, skipped, retried, failures }: Required<Counts>): string[] {
  const tooMany = retried.length > MAX_RETRIED ? `, more than ${MAX_RETRIED}: a failure` : '';
  return [
    ...failures.map((name) => `failed: ${name}`),
    ...retried.map((name) => `passed only when tried again: ${name}`),
    `${retried.length} tests tried again${tooMany}`,
    '',
    `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  ];
}
