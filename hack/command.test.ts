import { describe, expect, it } from 'vitest';
import { attempt, command, commandBytes, root, succeeds, type CommandError } from './command.ts';

const sh = (script: string) => ['sh', '-c', script];

describe('command', () => {
  it.each<[string, string[], Parameters<typeof command>[1], string]>([
    ['standard output alone', sh('echo out; echo err >&2'), {}, 'out\n'],
    ['the project as its folder', sh('pwd'), {}, `${root}\n`],
    ['another folder', sh('pwd'), { cwd: '/' }, '/\n'],
    ['input', ['cat'], { input: 'given' }, 'given'],
    ['the end of input where none is given', ['cat'], {}, ''],
    ['input that the command does not read', ['true'], { input: 'x'.repeat(1 << 20) }, ''],
    ['a variable on top of our own', sh('echo "$A ${PATH:+path}"'), { env: { A: 'b' } }, 'b path\n'],
    ['a bare environment', ['/usr/bin/env'], { env: { A: 'b' }, bareEnvironment: true }, 'A=b\n'],
  ])('returns %s', async (_name, words, options, expected) => {
    expect(await command(words, options)).toBe(expected);
  });

  it.each<[string, string[], Parameters<typeof command>[1], RegExp]>([
    ['its status and what it printed', sh('echo out; echo err >&2; exit 3'), {}, /ended with status 3:\nout\nerr$/],
    ['only the last lines', sh('seq 100; exit 1'), {}, /status 1:\n81\n(\d+\n)+100$/],
    ['that the program is not there', ['no-such-program'], {}, /^no-such-program ended with status 127:\n.*ENOENT/],
    ['that it took too long', ['sleep', '60'], { timeoutMs: 50 }, /timed out/i],
    ['that it was aborted', ['sleep', '60'], { signal: AbortSignal.abort(new Error('stopped')) }, /stopped|cancel/i],
  ])('throws with %s', async (_name, words, options, message) => {
    await expect(command(words, options)).rejects.toThrow(message);
  });

  it('tells a program that is not there from one that failed', async () => {
    const failure = async (words: string[]) => (await command(words).catch((error: unknown) => error)) as CommandError;
    expect((await failure(['no-such-program'])).notStarted).toBe(true);
    expect((await failure(['false'])).notStarted).toBe(false);
    expect([await succeeds('true'), await succeeds('false'), await succeeds('no-such-program')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('attempt', () => {
  it('keeps both streams apart and together', async () => {
    expect(await attempt(sh('echo out; echo err >&2; exit 4'))).toEqual({
      status: 4,
      stdout: 'out\n',
      stderr: 'err\n',
      output: 'out\nerr\n',
    });
  });
});

describe('commandBytes', () => {
  it('returns bytes that are no text', async () => {
    expect([...(await commandBytes(sh(String.raw`printf '\377\000\n'`)))]).toEqual([0xff, 0, 10]);
  });
  it('throws with what the command said', async () => {
    await expect(commandBytes(sh('echo no archive >&2; exit 2'))).rejects.toThrow(/status 2:\nno archive/);
  });
});
