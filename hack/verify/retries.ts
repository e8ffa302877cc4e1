/** A vitest reporter that writes the names of tests that passed only when tried again: vitest's own report has none. */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';

/** Environment variable with the path of the file to write: a JSON array of names. */
export const RETRIES_FILE = 'TEKTITE_RETRIES_FILE';

export default class Retries implements Reporter {
  readonly #names: string[] = [];

  onTestCaseResult(test: Pick<TestCase, 'fullName' | 'diagnostic' | 'result' | 'module'>): void {
    const retries = test.diagnostic()?.retryCount ?? 0;
    if (retries > 0 && test.result().state === 'passed')
      this.#names.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    const file = process.env[RETRIES_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(this.#names));
  }
}
