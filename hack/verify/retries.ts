/**
 * A vitest reporter that writes which tests passed only when tried again, and what the first try failed of: the report
 * of vitest itself has neither.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';
import { failure } from './failure.ts';

/** Environment variable with the path of the file to write: a JSON array of lines, "test: error" each. */
export const RETRIES_FILE = 'TEKTITE_RETRIES_FILE';

export default class Retries implements Reporter {
  readonly #lines: string[] = [];

  onTestCaseResult(test: Pick<TestCase, 'fullName' | 'diagnostic' | 'result' | 'module'>): void {
    const retries = test.diagnostic()?.retryCount ?? 0;
    const { state, errors } = test.result();
    if (retries === 0 || state !== 'passed') return;
    this.#lines.push(failure(`${test.module.relativeModuleId} > ${test.fullName}`, [errors?.[0]?.message ?? '']));
  }

  onTestRunEnd(): void {
    const file = process.env[RETRIES_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.#lines));
  }
}
