import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundledProgram } from '../../hack/built-sources.ts';
import { ensureShells } from '../../hack/one-node/debian.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { prepare, testKubeconfig } from '../contract/tkn-fixture.ts';

// Each word that is completed is a program that starts; these two cores may have a lot to do.
const TIMEOUT_MS = 300_000;

/** The shells themselves, each with the script that `tektite completion` prints, on a real API server. */
const begin = `completion-${process.pid}-`;
const namespace = `${begin}first`;
let client: KubeClient;
let folder: string;

beforeAll(async () => {
  await ensureShells();
  client = await prepare(namespace);
  for (const name of ['build-first', 'other'])
    await client.create(pipelineRuns, {
      metadata: { name, namespace },
      spec: { pipelineRef: { name: 'p' } },
    });
  folder = await mkdtemp(path.join(tmpdir(), 'tektite-completion-'));
  // What completes is the real command; anything else only says what its arguments were.
  const cli = await bundledProgram();
  const program = [
    '#!/bin/sh',
    `case "$1" in completion | __complete) exec '${process.execPath}' '${cli}' "$@" ;; esac`,
    `printf 'ran:'`,
    `printf '[%s]' "$@"`,
    `printf '\\n'`,
  ];
  await writeFile(path.join(folder, 'tektite'), `${program.join('\n')}\n`);
  await chmod(path.join(folder, 'tektite'), 0o755);
}, 600_000);
afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
  if (folder) await rm(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}`,
    HOME: folder,
    KUBECONFIG: testKubeconfig(),
    TERM: 'dumb',
  };
}

/** What the program's arguments were for each of these lines, typed one by one into a shell on a terminal. */
function typed(shell: string, setUp: string, lines: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qfec', shell, '/dev/null'], { env: environment(), cwd: folder });
    const left = [...lines];
    const ran: string[] = [];
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      // The line that is echoed has a quote in the word.
      const end = /shell-ready|^ran:(.*?)\r?\n/m.exec(shown);
      if (!end) return;
      shown = shown.slice(end.index + end[0].length);
      if (end[1] !== undefined) ran.push(end[1]);
      child.stdin.write(`${left.shift() ?? 'exit'}\n`);
    });
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // a shell that ended before its time; what it ran tells
    child.on('close', () => resolve(ran));
    child.stdin.write(`${setUp}\necho shell''-ready\n`);
  });
}

function output(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment(), cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
    child.on('error', reject);
    child.on('close', () => resolve(out));
  });
}

const interactive = [
  ['bash', 'bash --norc --noprofile -i', 'source <(tektite completion bash)'],
  ['zsh', 'zsh -f -i', 'autoload -U compinit; compinit -D -u; source <(tektite completion zsh)'],
] as const;

it.each(interactive)(
  '%s completes commands, names in a namespace, namespaces, values and files',
  async (...row) => {
    const [, shell, setUp] = row;
    const lines = [
      'tektite pipeliner\tdescr\t',
      `tektite pr cancel -n ${namespace} bui\t`,
      `tektite pr list -n ${begin}\t`,
      'tektite pr cancel --grace=Canc\t',
      'tektite validate tek\t',
    ];
    expect(await typed(shell, setUp, lines)).toEqual([
      '[pipelinerun][describe]',
      `[pr][cancel][-n][${namespace}][build-first]`,
      `[pr][list][-n][${namespace}]`,
      '[pr][cancel][--grace=CancelledRunFinally]',
      '[validate][tektite]',
    ]);
  },
  TIMEOUT_MS,
);

it(
  'fish completes commands, names in a namespace, namespaces, values and files',
  async () => {
    const lines = [
      'tektite pipeliner',
      `tektite pr cancel -n ${namespace} bui`,
      `tektite pr list -n ${begin}`,
      'tektite pr cancel --grace=Canc',
      'tektite validate tek',
    ];
    const script = ['tektite completion fish | source', ...lines.map((line) => `complete -C '${line}'`)];
    expect((await output('fish', ['--no-config', '-c', script.join('; ')])).trim().split('\n')).toEqual([
      'pipelinerun\tManage PipelineRuns',
      'build-first',
      namespace,
      '--grace=CancelledRunFinally',
      expect.stringMatching(/^tektite\b/),
    ]);
  },
  TIMEOUT_MS,
);
