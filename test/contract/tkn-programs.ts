import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { bundledProgram } from '../../hack/built-sources.ts';
import { tool } from '../../hack/one-node/binaries.ts';
import { systemClock } from '../../src/clock.ts';
import { runCommand } from '../../src/commands/main.ts';
import { systemEnvironment } from '../../src/commands/environment.ts';
import { testKubeconfig } from './tkn-fixture.ts';

export interface Outcome {
  status: number;
  out: string;
  err: string;
}

/** A program with tkn's command line. */
export interface Program {
  name: string;
  run(args: string[]): Promise<Outcome>;
}

/**
 * Ours and the real tkn, the one on PATH before the one that hack/one-node builds: what holds for one must hold for the
 * other.
 */
export async function programs(): Promise<Program[]> {
  return [ours, theirs((await onPath('tkn')) ?? (await tool('tkn')))];
}

/** The same two as words of a command line, for what needs a process of its own. */
export async function commandLines(): Promise<{ name: string; words: (args: readonly string[]) => string[] }[]> {
  const cli = await bundledProgram();
  const tkn = (await onPath('tkn')) ?? (await tool('tkn'));
  const access = ['--kubeconfig', testKubeconfig()];
  const own = [process.execPath, cli];
  return [
    { name: 'tektite', words: (args) => [...own, ...args, ...access] },
    { name: 'tkn', words: (args) => [tkn, ...args, ...access] },
  ];
}

const ours: Program = {
  name: 'tektite',
  async run(args) {
    const outcome: Outcome = { status: 0, out: '', err: '' };
    const system = systemEnvironment('v0.0.0-test');
    const terminal = {
      out: (text: string) => void (outcome.out += text),
      err: (text: string) => void (outcome.err += text),
      colour: false,
      interactive: false,
      async *lines() {
        /* Standard input is empty. */
      },
    };
    outcome.status = await runCommand(
      ['--kubeconfig', testKubeconfig(), ...args],
      { ...system, terminal, clock: systemClock },
      AbortSignal.timeout(30_000),
    );
    return outcome;
  },
};

function theirs(file: string): Program {
  return {
    name: 'tkn',
    run: (args) =>
      new Promise((resolve) => {
        const child = execFile(
          file,
          // Of a line that is completed, the last word is the one in question.
          args[0] === '__complete' ? args : [...args, '--kubeconfig', testKubeconfig(), '--no-color'],
          { timeout: 30_000 },
          (error, out, err) => {
            resolve({ status: error ? (typeof error.code === 'number' ? error.code : 1) : 0, out, err });
          },
        );
        // Standard input is empty: nobody answers a prompt.
        child.stdin?.end();
      }),
  };
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
