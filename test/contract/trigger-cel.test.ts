import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { celEvent, error, standardCases } from '../../src/triggers/interceptors/cel/cases.fake.ts';

/** What the table of src/triggers/interceptors/cel says of expressions is what cel-go says of them. */
const source = path.resolve(import.meta.dirname, 'trigger-cel');
let root = '';
let outcomes: { value?: unknown; error?: string }[] = [];

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'trigger-cel-'));
  const env = { ...process.env, CGO_ENABLED: '0' };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', path.join(root, 'cel'), '.'], { cwd: source, env });
  const input = JSON.stringify({ variables: celEvent, expressions: standardCases.map(([expression]) => expression) });
  outcomes = JSON.parse(execFileSync(path.join(root, 'cel'), { input }).toString()) as typeof outcomes;
}, 300_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('cel-go', () => {
  it('is asked about enough', () => expect(standardCases.length).toBeGreaterThanOrEqual(80));

  it.each(standardCases.map(([expression, value], index) => [expression, value, index] as const))(
    'agrees on %s',
    (_expression, value, index) => {
      const outcome = outcomes[index];
      if (value === error) expect(outcome?.error).toBeDefined();
      else expect(outcome).toEqual({ value });
    },
  );
});
