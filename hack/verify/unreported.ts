/**
 * A vitest reporter that writes what the report of vitest itself has not: which tests passed only when tried again, and
 * what the first try failed of; and the errors that nobody handled, which fail a run whose tests all passed.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reporter, TestCase } from 'vitest/node';
import { root } from '../command.ts';
import { failure } from './failure.ts';

/** Environment variable with the path of the file to write: an `Unreported` as JSON. */
export const UNREPORTED_FILE = 'TEKTITE_UNREPORTED_FILE';

/** Lines of the summary, "test: error" each. */
export interface Unreported {
  retried: string[];
  unhandled: string[];
}

type UnhandledError = Parameters<NonNullable<Reporter['onTestRunEnd']>>[1][number];

export default class UnreportedReporter implements Reporter {
  readonly #retried: string[] = [];

  onTestCaseResult(test: Pick<TestCase, 'fullName' | 'diagnostic' | 'result' | 'module'>): void {
    const retries = test.diagnostic()?.retryCount ?? 0;
    const { state, errors } = test.result();
    if (retries === 0 || state !== 'passed') return;
    this.#retried.push(failure(`${test.module.relativeModuleId} > ${test.fullName}`, [errors?.[0]?.message ?? '']));
  }

  onTestRunEnd(_modules: unknown, errors: readonly UnhandledError[]): void {
    const file = process.env[UNREPORTED_FILE];
    const unreported: Unreported = { retried: this.#retried, unhandled: errors.map(unhandled) };
    if (file !== undefined) writeFileSync(file, JSON.stringify(unreported));
  }
}

/** Vitest knows the file that ran at the time, and the test if one did; the stack says where the error was made. */
function unhandled({ type, message, stack = '', ...error }: UnhandledError): string {
  const [file, test] = [error['VITEST_TEST_PATH'], error['VITEST_TEST_NAME']];
  const during = [typeof file === 'string' ? path.relative(root, file) : 'no test file', test].filter(
    (part) => typeof part === 'string',
  );
  const frame = stack.split('\n').find((line) => /^\s+at /.test(line) && !line.includes('node:'));
  return failure(`${during.join(' > ')}: ${String(type)}`, [
    `${message.split('\n', 1)[0]}${frame === undefined ? '' : ` (${frame.trim()})`}`,
  ]);
}
