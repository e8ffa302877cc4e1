import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureShells } from '../../hack/one-node/debian.ts';
import { pipelineRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { prepare, testKubeconfig } from '../contract/tkn-fixture.ts';

/** The shells themselves, each with the script that `tektite completion` prints, on a real API server. */
const namespace = `completion-${process.pid}`;
const root = path.resolve(import.meta.dirname, '../..');
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
  const program = [
    '#!/bin/sh',
    `case "$1" in completion | __complete) exec '${process.execPath}' '${path.join(root, 'src/cli.ts')}' "$@" ;; esac`,
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

/** What a shell on a terminal shows for keys that are typed once it is ready. */
function typed(shell: string, setUp: string, keys: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qfec', shell, '/dev/null'], { env: environment(), cwd: folder });
    let shown = '';
    let isReady = false;
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      // The command line that is echoed has a quote in the word.
      if (isReady || !shown.includes('shell-ready')) return;
      isReady = true;
      shown = '';
      child.stdin.write(`${keys}\nexit\n`);
    });
    child.on('error', reject);
    child.on('close', () => resolve(shown));
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

describe.each(interactive)('%s', (_name, shell, setUp) => {
  it.each([
    ['commands', 'tektite pipeliner\tdescr\t', '[pipelinerun][describe]'],
    ['names in a namespace', `tektite pr cancel -n ${namespace} bui\t`, `[pr][cancel][-n][${namespace}][build-first]`],
    ['namespaces', `tektite pr list -n completion-\t`, `[pr][list][-n][${namespace}]`],
    ['a value behind "="', 'tektite pr cancel --grace=Canc\t', '[pr][cancel][--grace=CancelledRunFinally]'],
    ['files', 'tektite validate tek\t', '[validate][tektite]'],
  ])('completes %s', async (_what, keys, expected) => {
    expect(await typed(shell, setUp, keys)).toContain(`ran:${expected}`);
  });
});

describe('fish', () => {
  it.each([
    ['commands', 'tektite pipeliner', /^pipelinerun\tManage PipelineRuns$/m],
    ['names in a namespace', `tektite pr cancel -n ${namespace} bui`, /^build-first$/m],
    ['namespaces', 'tektite pr list -n completion-', new RegExp(`^${namespace}$`, 'm')],
    ['a value behind "="', 'tektite pr cancel --grace=Canc', /^--grace=CancelledRunFinally$/m],
    ['files', 'tektite validate tek', /^tektite\b/m],
  ])('completes %s', async (_what, line, expected) => {
    const script = `tektite completion fish | source; complete -C '${line}'`;
    expect(await output('fish', ['--no-config', '-c', script])).toMatch(expected);
  });
});
