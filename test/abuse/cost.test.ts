import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { families } from './families.ts';
import { constant } from './constant.ts';

interface Growth {
  name: string;
  size: number;
  ms: number[];
  perDoubling: number;
}

/** Linear is 2. A sort is a little more, a loop in a loop is 4. */
const mostPerDoubling = 2.5;

let reached: string[] = [];
let exported: string[] = [];
const grown = new Map<string, Growth>();

beforeAll(() => {
  const child = path.join(import.meta.dirname, 'cost.ts');
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', child], {
    encoding: 'utf8',
    timeout: 600_000,
  });
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const row = JSON.parse(line) as Partial<Growth> & { reached?: string[]; exported?: string[] };
    if (row.reached && row.exported) [reached, exported] = [row.reached, row.exported];
    else grown.set(row.name ?? '', row as Growth);
  }
  expect(grown.size, stderr).toBe(families.length);
}, 620_000);

describe('cost', () => {
  it.each(families)('of $name grows in step with its size', ({ name }) => {
    const { perDoubling, ms } = grown.get(name) ?? { perDoubling: Infinity, ms: [] };
    expect(perDoubling, `${ms.join(' ms, then ')} ms`).toBeLessThanOrEqual(mostPerDoubling);
  });

  it('is measured for every exported function, or there is a reason not to', () => {
    const measured = new Set(reached);
    expect(exported.filter((name) => !measured.has(name) && !(name in constant))).toEqual([]);
  });

  it('has no reason for what is measured or gone', () => {
    const measured = new Set(reached);
    const all = new Set(exported);
    expect(Object.keys(constant).filter((name) => measured.has(name) || !all.has(name))).toEqual([]);
  });
});
