import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandEnvironment } from '../environment.ts';
import { runCommand } from '../main.ts';

const good = 'apiVersion: tekton.dev/v1\nkind: Task\nmetadata: { name: t }\nspec: { steps: [{ image: "i:1" }] }\n';
const bad = good.replace('image', 'imago');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'validate-'));
  mkdirSync(path.join(folder, 'inner'));
  writeFileSync(path.join(folder, 'inner', 'good.yml'), good);
  writeFileSync(path.join(folder, 'bad.yaml'), bad);
  writeFileSync(path.join(folder, 'notes.txt'), bad);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(words: string[], stdin = ''): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    colour: false,
    interactive: false,
    lines: async function* () {
      await Promise.resolve();
      yield* stdin.split('\n');
    },
  };
  const connect = () => Promise.reject(new Error('no cluster'));
  const environment = { terminal, version: '1', connect } as unknown as CommandEnvironment;
  const status = await runCommand(['validate', ...words], environment, new AbortController().signal);
  return { status, ...said };
}

describe('tektite validate', () => {
  it('a good file', async () => {
    expect(await run([path.join(folder, 'inner/good.yml')])).toEqual({
      status: 0,
      out: '1 object(s): 0 error(s), 0 warning(s)\n',
      err: '',
    });
  });

  it('a folder: everything in it that is YAML or JSON', async () => {
    const { status, out } = await run([folder]);
    expect([status, out.split('\n').at(-2)]).toEqual([1, '2 object(s): 1 error(s), 0 warning(s)']);
    expect(out).toContain('bad.yaml:4:19: error: unknown field "imago"; did you mean "image"?');
  });

  it('standard input', async () => {
    const { status, out } = await run(['-'], bad);
    expect([status, out.split('\n')[0]]).toEqual([
      1,
      expect.stringContaining('stdin:4:19: error: unknown field "imago"'),
    ]);
  });

  it('JSON and SARIF', async () => {
    expect(JSON.parse((await run(['-', '-o', 'json'], bad)).out)).toMatchObject({
      objects: 1,
      findings: [{ line: 4 }],
    });
    expect(JSON.parse((await run(['-', '-o', 'sarif'], good)).out)).toMatchObject({ runs: [{ results: [] }] });
  });

  it('features as the cluster has them', async () => {
    const alpha = good.replace('"i:1"', '"i:1", stdoutConfig: { path: /x }');
    expect((await run(['-'], alpha)).status).toBe(1);
    expect((await run(['-', '--feature', 'enable-api-fields=alpha'], alpha)).status).toBe(0);
  });

  it('rules of good practice, but for those that are left out', async () => {
    const { out } = await run(['-', '--lint', '-o', 'sarif'], good);
    const [{ tool, results }] = (JSON.parse(out) as { runs: [{ tool: { driver: object }; results: object[] }] }).runs;
    expect(tool.driver).toHaveProperty('rules', [
      { id: 'no-description', shortDescription: { text: 'a definition without a description' } },
      { id: 'no-limits', shortDescription: { text: 'a step without a memory limit' } },
      { id: 'unnamed-step', shortDescription: { text: 'a step without a name' } },
    ]);
    expect(results).toHaveLength(3);
    const { status, out: left } = await run(['-', '--lint', '--lint-disable', 'no-limits,unnamed-step'], good);
    expect([status, left]).toEqual([
      0,
      expect.stringMatching(/\[no-description\]\n.* 0 error\(s\), 1 warning\(s\)\n$/),
    ]);
  });

  it.each([
    [['missing.yaml'], 2, 'missing.yaml cannot be read'],
    [['-', '-o', 'xml'], 2, '-o is "xml"; use text, json, sarif'],
    [['-', '--feature', 'enable-api-fields=gamma'], 2, '"gamma"'],
    [['-', '--feature', 'x'], 2, 'write KEY=VALUE'],
    [['-', '--lint', '--lint-disable', 'no-limit'], 2, 'there is no rule "no-limit"; did you mean "no-limits"?'],
    [['-', '--lint-disable', 'no-limits'], 2, '--lint-disable needs --lint'],
    [[], 1, 'requires at least 1 arg(s)'],
  ])('a command line that cannot be followed: %j', async (words, wanted, text) => {
    const { status, err } = await run(words);
    expect([status, err]).toEqual([wanted, expect.stringContaining(text)]);
  });
});
