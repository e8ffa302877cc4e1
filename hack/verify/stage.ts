import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What a stage found. A stage that could not run at all counts as one failure. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface CommandResult {
  status: number;
  output: string;
}

const root = path.resolve(import.meta.dirname, '../..');

/** Runs a command in the project's folder, shows what it prints and keeps it. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}, cwd = root): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const [stream, target] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
        target.write(chunk);
      });
    }
    child.on('error', (error) => resolve({ status: 127, output: `${command}: ${error.message}` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/** One check that passes or fails as a whole: the type check, the linter, generated files. */
export async function check(command: string, args: string[]): Promise<Counts> {
  const { status } = await run(command, args);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

/** The tests of one vitest project, counted from vitest's own report. */
export async function vitest(project: string, env: NodeJS.ProcessEnv = {}): Promise<Counts> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tektite-vitest-'));
  const report = path.join(folder, 'report.json');
  try {
    const args = [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const { status } = await run(process.execPath, args, env);
    return vitestCounts(JSON.parse(readFileSync(report, 'utf8')) as VitestReport, status);
  } catch (error) {
    console.error(`${project} tests left no report: ${String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that fails before its first test (an import, a hook) has no failed test, yet it is a failure. */
export function vitestCounts(report: VitestReport, status: number): Counts {
  const brokenFiles = report.testResults.filter(
    (file) =>
      file.status === 'failed' &&
      !file.assertionResults.some((test) => (test as { status?: string }).status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The tests of a Go module, counted from `go test -json`. */
export async function goTests(folder: string): Promise<Counts> {
  const vet = await run('go', ['vet', './...'], {}, path.join(root, folder));
  const child = await quiet('go', ['test', '-json', './...'], path.join(root, folder));
  const counts = goCounts(child.output);
  if (vet.status !== 0) counts.failed += 1;
  if (child.status !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.failed > 0) process.stdout.write(child.output);
  return counts;
}

/** Counts of top-level and sub-tests in the lines of `go test -json`. */
export function goCounts(output: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const event = JSON.parse(line) as { Action: string; Test?: string };
    if (event.Test === undefined) continue;
    if (event.Action === 'pass') counts.passed += 1;
    else if (event.Action === 'fail') counts.failed += 1;
    else if (event.Action === 'skip') counts.skipped += 1;
  }
  return counts;
}

function quiet(command: string, args: string[], cwd: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.on('error', (error) => resolve({ status: 127, output: `${command}: ${error.message}\n` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}
