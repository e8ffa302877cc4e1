import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failingCases, foundCases, missingCases } from '../../src/jsonpath/cases.fake.ts';

/** What the tables of src/jsonpath say of templates is what client-go, and so kubectl, says of them. */
const source = path.resolve(import.meta.dirname, 'kubectl-jsonpath');
let root = '';
let outcomes: { text: string; error?: string }[] = [];

interface Row {
  name: string;
  asked: { template: string; input: unknown; allowMissingKeys: boolean };
  wanted: { text: string; error?: string };
}

const rows: readonly Row[] = [
  ...foundCases.flatMap(([about, input, cases]) =>
    cases.map(([name, template, expected]) => ({
      name: `${about}: ${name}`,
      asked: { template, input, allowMissingKeys: false },
      wanted: { text: expected },
    })),
  ),
  ...missingCases.map(([name, input, template, expected]) => ({
    name: `missing keys allowed: ${name}`,
    asked: { template, input, allowMissingKeys: true },
    wanted: { text: expected },
  })),
  ...failingCases.map(([name, input, template, error]) => ({
    name: `fails: ${name}`,
    asked: { template, input, allowMissingKeys: false },
    wanted: { text: '', error },
  })),
];

/** Where ours names what a user wrote, and kubectl its parser's state. */
const kubectlsOwn: Readonly<Record<string, string>> = {
  'unrecognized filter operator =~': "unrecognized character in action: U+007E '~'",
};
/** Members of a map have no order in Go. */
const isUnordered = (text: string, template: string): boolean => text.includes('{"') || /\.\.|\.\*/.test(template);
const words = (text: string): string[] => text.split(/[\s{},]+/).toSorted();

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'kubectl-jsonpath-'));
  const env = { ...process.env, CGO_ENABLED: '0' };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', path.join(root, 'jsonpath'), '.'], { cwd: source, env });
  const input = JSON.stringify(rows.map(({ asked }) => asked));
  outcomes = JSON.parse(execFileSync(path.join(root, 'jsonpath'), { input }).toString()) as typeof outcomes;
}, 300_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("kubectl's JSONPath", () => {
  it('is asked about enough', () => expect(rows.length).toBeGreaterThanOrEqual(80));

  it.each(rows.map((row, index) => ({ ...row, index })))('agrees on $name', ({ asked, wanted, index }) => {
    const { text = '', error } = outcomes[index] ?? {};
    expect(error).toBe(wanted.error === undefined ? undefined : (kubectlsOwn[wanted.error] ?? wanted.error));
    if (isUnordered(wanted.text, asked.template)) expect(words(text)).toEqual(words(wanted.text));
    else expect(text).toBe(wanted.text);
  });
});
