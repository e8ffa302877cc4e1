import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateCrds, staleCrds } from './crds.ts';

test('crds/ is what the schemas in src/api say', () => {
  expect(staleCrds()).toEqual([]);
});

test('each fits beside the last-applied annotation of kubectl apply', () => {
  for (const [name, content] of generateCrds()) expect([name, content.length < 262_144]).toEqual([name, true]);
});

describe('comparison with a folder', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'crds-'));
    for (const [name, content] of generateCrds()) writeFileSync(join(folder, name), content);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('equal', () => expect(staleCrds(folder)).toEqual([]));
  test('missing', () => {
    rmSync(join(folder, 'tekton.dev_tasks.yaml'));
    expect(staleCrds(folder)).toEqual(['tekton.dev_tasks.yaml is missing']);
  });
  test('different', () => {
    writeFileSync(join(folder, 'tekton.dev_tasks.yaml'), 'kind: other\n');
    expect(staleCrds(folder)).toEqual(['tekton.dev_tasks.yaml differs from the schemas in src/api']);
  });
  test('left over', () => {
    writeFileSync(join(folder, 'tekton.dev_runs.yaml'), '');
    expect(staleCrds(folder)).toEqual(['tekton.dev_runs.yaml belongs to no kind of src/api/kinds.ts']);
  });
});
