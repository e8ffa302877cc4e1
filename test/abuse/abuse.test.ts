import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases } from './cases.ts';

interface Measured {
  name: string;
  bytes: number;
  ms: number;
  mb: number;
  said?: string;
}

/** A run of at most 1.5 MB may take so much, whatever it holds. */
const mostBytes = 1_500_000;
const ordinaryMs = 100;
const mostMb = 64;
/** The best of three tries is compared; what is left of the noise of a shared machine after `factor`. */
const slack = 2;
/** V8 grows its heap in steps and gives it back late: the resident set shows more than is in use. */
const mbSlack = 64;

const measured = new Map<string, Measured>();
let factor = 1;
let unfinished: string | undefined;

beforeAll(() => {
  const flags = ['--no-warnings', '--expose-gc', '--max-old-space-size=256'];
  const child = path.join(import.meta.dirname, 'child.ts');
  const { stdout } = spawnSync(process.execPath, [...flags, child], { encoding: 'utf8', timeout: 600_000 });
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const row = JSON.parse(line) as Partial<Measured> & { factor?: number; begins?: string };
    if (row.factor !== undefined) factor = row.factor;
    if (row.begins !== undefined) unfinished = row.begins;
    if (row.ms !== undefined) measured.set(row.name ?? '', row as Measured);
  }
}, 620_000);

describe('runs that a tenant may create, in a heap of 256 MB', () => {
  it('does not fall over any of them', () => expect(measured.size, `it ended in: ${unfinished}`).toBe(cases.length));

  it.each(cases)('$name', ({ name, says, mostMs = ordinaryMs }) => {
    const { bytes, ms, mb, said } = measured.get(name) ?? { bytes: 0, ms: Infinity, mb: Infinity };
    expect(bytes, 'the input itself').toBeLessThanOrEqual(mostBytes);
    expect(said).toContain(says);
    expect(ms, 'CPU').toBeLessThanOrEqual(mostMs * factor * slack);
    expect(mb, 'memory').toBeLessThanOrEqual(mostMb + mbSlack);
  });
});
