import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskSpec } from '../../src/api/pipeline/v1/task.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { podInputOf, podOf, settingsOf } from '../../src/core/pod/pod.fake.ts';
import { spireServer } from '../../src/core/spire/spire.fake.ts';
import { begun, factsOf } from '../../src/core/taskrun/given.fake.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import { startSpiffeAgent } from '../../src/spire/agent.fake.ts';
import { resultsContainer } from '../../src/core/pod/results-sidecar.ts';
import { buildPod } from '../../src/core/pod/build.ts';
import type { Container, NewPod } from '../../src/core/pod/types.ts';
import { didFail, failureOf } from '../../src/core/podstatus/failure.ts';
import { readResultsLog } from '../../src/core/podstatus/results-log.ts';
import { readSteps } from '../../src/core/podstatus/steps.ts';
import { parseTerminationMessage, stepReport } from '../../src/core/podstatus/termination.ts';

/**
 * Builder, binary and parser against each other: a pod as the controller plans it, run by the real entrypoint in a
 * temporary directory in the place of / (paths in arguments are moved there), its termination messages read as the
 * controller reads them.
 */
const source = path.resolve(import.meta.dirname, '../../src/entrypoint');
let root = '';
let binary = '';

beforeAll(async () => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'entrypoint-contract-')));
  binary = path.join(root, 'entrypoint');
  const env = { ...process.env, CGO_ENABLED: '0' };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', binary, '.'], { cwd: source, env });
  const evaluator = { cwd: path.join(source, 'cel'), env };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', `${binary}-cel`, '.'], evaluator);
  const signer = { cwd: path.join(source, 'spire'), env };
  await promisify(execFile)('go', ['build', '-trimpath', '-o', `${binary}-spire`, '.'], signer);
}, 300_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Ended {
  exit: number | null;
  stdout: string;
  stderr: string;
}

/** Runs one container of the pod below `host`. */
async function run(container: Container, host: string, signal: AbortSignal): Promise<Ended> {
  const moved = [...(container.command ?? []), ...(container.args ?? [])].map((arg) =>
    arg.replaceAll(/(^|[ ,="])\/(tekton|workspace)\//g, `$1${host}/$2/`).replace('/ko-app/entrypoint', binary),
  );
  const [file = '', ...rest] = moved;
  const isInit = rest[0] === 'init';
  const subcommand = isInit || rest[0] === 'results' ? rest.slice(0, 1) : [];
  const roots = ['-tekton_dir', `${host}/tekton`, ...(isInit ? ['-workspace_dir', `${host}/workspace`] : [])];
  const args = [...subcommand, ...roots, ...rest.slice(subcommand.length)];
  const environment = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? '']));
  const child = spawn(file, args, {
    cwd: host,
    env: { PATH: process.env.PATH ?? '', HOME: host, HOST: host, ...environment },
    signal,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, stdout, stderr }));
  });
}

/**
 * Plans the pod, prepares it and starts all steps at once, as a kubelet does; the messages are in the order of the
 * steps.
 */
async function runPod(
  spec: TaskSpec,
  signal: AbortSignal,
  flags: Record<string, string> = {},
  socketPath?: string,
): Promise<{
  ended: Ended[];
  messages: (string | undefined)[];
  prepared: Ended;
  host: string;
  pod: NewPod;
  /** What the results sidecar printed. */
  log: string;
}> {
  const settings = settingsOf(flags);
  const spire = { ...settings.spire, ...(socketPath === undefined ? {} : { socketPath }) };
  const pod = buildPod(podInputOf(spec, { settings: { ...settings, spire } }));
  const host = mkdtempSync(path.join(root, 'pod-'));
  const steps = pod.spec.containers.filter(({ name }) => name.startsWith('step-'));
  for (const name of [
    'bin',
    'steps',
    'scripts',
    'results',
    'artifacts',
    'downward',
    ...steps.map((_, index) => `run/${index}`),
  ])
    mkdirSync(`${host}/tekton/${name}`, { recursive: true });
  mkdirSync(`${host}/workspace`);
  writeFileSync(`${host}/tekton/downward/ready`, 'READY');
  const [prepare] = pod.spec.initContainers ?? [];
  if (!prepare) throw new Error('the pod has no init container');
  const prepared = await run(prepare, host, signal);
  const own = steps.map((step, index) => ({
    ...step,
    args: (step.args ?? []).map((arg) => (arg === '/tekton/termination' ? `/tekton/run/${index}/termination` : arg)),
  }));
  const sidecar = pod.spec.containers.find(({ name }) => name === resultsContainer);
  const telling = sidecar && run(sidecar, host, signal);
  const ended = await Promise.all(own.map((step) => run(step, host, signal)));
  const told = await telling;
  const messages = own.map((_, index) => readFileSync(`${host}/tekton/run/${index}/termination`, 'utf8'));
  return { ended, messages, prepared, host, pod, log: (told?.stdout ?? '') + (told?.stderr ?? '') };
}

const results = (message: string | undefined): Record<string, string> =>
  Object.fromEntries(
    (parseTerminationMessage(message) ?? [])
      .filter(({ type }) => type !== 3)
      .map(({ key, value, type }) => [`${type}:${key}`, value]),
  );

describe('a planned pod run by the real entrypoint', () => {
  it('tells results by the log of a sidecar', async ({ signal }) => {
    const spec: TaskSpec = {
      results: [{ name: 'large' }, { name: 'missing' }, { name: 'copy', value: '$(steps.first.results.own)' }],
      steps: [
        {
          name: 'first',
          image: 'i',
          script:
            'printf mine > "$HOST/tekton/steps/step-first/results/own"\nhead -c 20000 /dev/zero | tr "\\0" x > "$HOST/tekton/results/large"',
          results: [{ name: 'own' }],
        },
        {
          name: 'second',
          image: 'i',
          command: ['sh', '-c'],
          args: ['printf "{}" > "$HOST/tekton/artifacts/provenance.json"; exit 3'],
        },
      ],
    };
    const flags = { 'results-from': 'sidecar-logs', 'max-result-size': '20000' };
    const { messages, log } = await runPod(spec, signal, flags);
    expect(messages.map(results)).toEqual([{}, {}]);
    const reading = readResultsLog(log, spec);
    expect(reading.kind === 'results' && Object.fromEntries(reading.logged.steps)).toEqual({
      'step-first': [{ key: 'own', value: 'mine', type: 4 }],
      'step-second': [],
    });
    expect(reading.kind === 'results' && reading.logged.task).toMatchObject([
      { type: 6, value: '{}' },
      { key: 'large', type: 1, value: 'x'.repeat(20_000) },
    ]);
    const small = await runPod(spec, signal, { ...flags, 'max-result-size': '19999' });
    expect(readResultsLog(small.log, spec)).toEqual({
      kind: 'tooLarge',
      limit: 19_999,
      what: 'task result "large" has 20000 bytes',
    });
  });

  it('runs scripts in order, in their working directories, and reports results', async ({ signal }) => {
    const { ended, messages, prepared, host } = await runPod(
      {
        results: [
          { name: 'sum', type: 'string' },
          { name: 'late', type: 'string' },
        ],
        steps: [
          {
            name: 'first',
            image: 'i',
            workingDir: 'made/here',
            script:
              'cd "$HOST/workspace/made/here"\nprintf 3 > "$HOST/tekton/results/sum"\nprintf "[\\"a\\",\\"b c\\"]" > "$HOST/tekton/steps/step-first/results/list"\necho one',
            results: [{ name: 'list', type: 'array' }],
          },
          {
            name: 'second',
            image: 'i',
            command: ['printf', '<%s>'],
            args: ['$(steps.first.results.list[*])', '-- $(steps.first.results.list[1])'],
          },
          {
            name: 'third',
            image: 'i',
            script: `#!/bin/sh\n${'# long\n'.repeat(40_000)}printf 4 > "$HOST/tekton/results/late"; cat "$HOST/tekton/steps/step-first/exitCode"`,
          },
        ],
      },
      signal,
    );
    expect(prepared).toEqual({ exit: 0, stdout: '', stderr: '' });
    expect(ended.map(({ exit, stdout, stderr }) => ({ exit, stdout, stderr }))).toEqual([
      { exit: 0, stdout: 'one\n', stderr: '' },
      { exit: 0, stdout: '<a><b c><-- b c>', stderr: '' },
      { exit: 0, stdout: '0', stderr: '' },
    ]);
    expect(messages.map(results)).toEqual([{ '1:sum': '3', '4:list': '["a","b c"]' }, {}, { '1:late': '4' }]);
    for (const message of messages)
      expect(stepReport(parseTerminationMessage(message) ?? []).startedAt).toMatch(/^20\d\d-.*Z$/);
    expect(
      execFileSync('stat', ['-c', '%a', `${host}/workspace/made/here`])
        .toString()
        .trim(),
    ).toBe('777');
  });

  it('ignores, skips and fails as the spec says', async ({ signal }) => {
    const { ended, messages } = await runPod(
      {
        steps: [
          { name: 'ignored', image: 'i', onError: 'continue', script: 'exit 7' },
          { name: 'remembered', image: 'i', onError: 'continueAndFail', script: 'exit 8' },
          {
            name: 'not-wanted',
            image: 'i',
            when: [{ input: 'a', operator: 'in', values: ['b'] }],
            script: 'echo never',
          },
          { name: 'too-slow', image: 'i', timeout: '50ms', script: 'sleep 60' },
          { name: 'too-late', image: 'i', script: 'echo never' },
        ],
      },
      signal,
    );
    expect(ended.map(({ exit, stdout }) => ({ exit, stdout }))).toEqual([
      { exit: 0, stdout: '' },
      { exit: 8, stdout: '' },
      { exit: 0, stdout: '' },
      { exit: 1, stdout: '' },
      { exit: 1, stdout: '' },
    ]);
    expect(
      messages.map((message) => ({ ...stepReport(parseTerminationMessage(message) ?? []), startedAt: undefined })),
    ).toEqual([
      { exitCode: 7 },
      { exitCode: 8 },
      { reason: 'Skipped' },
      { reason: 'TimeoutExceeded' },
      { reason: 'Skipped' },
    ]);
  });

  it('brings the CEL evaluator where a step asks for it, and only there', async ({ signal }) => {
    const guarded = (cel: string) => ({ name: 'a', image: 'i', when: [{ cel }], script: 'echo ran' });
    const rows = [
      { when: "'$(context)' == '$(context)' && size([1, 2]) == 2", exit: 0, stdout: 'ran\n', reason: undefined },
      { when: "'a' == 'b'", exit: 0, stdout: '', reason: 'Skipped' },
      { when: "'a' == 1", exit: 1, stdout: '', reason: undefined },
    ];
    for (const { when, exit, stdout, reason } of rows) {
      const { ended, messages, host } = await runPod({ steps: [guarded(when)] }, signal);
      expect(ended.map((one) => [one.exit, one.stdout])).toEqual([[exit, stdout]]);
      const report = stepReport(parseTerminationMessage(messages[0]) ?? []);
      expect(report.reason).toBe(reason);
      if (exit === 1) expect(report.message).toContain('found no matching overload for');
      expect(existsSync(`${host}/tekton/bin/entrypoint-cel`)).toBe(true);
    }
    const plain = await runPod({ steps: [{ name: 'a', image: 'i', script: 'true' }] }, signal);
    expect(existsSync(`${plain.host}/tekton/bin/entrypoint-cel`)).toBe(false);
  });

  it('signs what steps report, as the controller verifies it, with what the agent gives to the pod', async ({
    signal,
  }) => {
    const spec: TaskSpec = {
      results: [
        { name: 'plain' },
        { name: 'list', type: 'array' },
        { name: 'map', type: 'object', properties: { b: {}, a: {} } },
        { name: 'odd' },
        { name: 'passed', value: '$(steps.first.results.own)' },
      ],
      steps: [
        {
          name: 'first',
          image: 'i',
          results: [{ name: 'own' }],
          script: [
            'cd "$HOST/tekton"; printf \'["x","y,z"]\' > results/list; printf \'{"b":"2","a":"1"}\' > results/map',
            "printf 'a\\377\\n' > results/odd; printf v > results/plain; printf mine > steps/step-first/results/own",
            'printf \'{"outputs":[{"name":"i","values":[{"uri":"u"}]}]}\' > steps/step-first/artifacts/provenance.json',
          ].join('\n'),
        },
        { name: 'second', image: 'i', script: 'printf w > "$HOST/tekton/results/plain"' },
        { name: 'skipped', image: 'i', script: 'true', when: [{ input: 'a', operator: 'in', values: ['b'] }] },
      ],
    };
    const server = spireServer();
    const agent = await startSpiffeAgent({
      identities: {
        of: () => [server.issue('URI:spiffe://example.org/ns/ns/taskrun/run')],
        authority: server.authority,
      },
    });
    try {
      const flags = { 'enforce-nonfalsifiability': 'spire' };
      const { pod, messages, ended } = await runPod(spec, signal, flags, agent.socket);
      expect(ended.map(({ exit, stderr }) => [exit, stderr])).toEqual([
        [0, expect.stringContaining('not UTF-8')],
        [0, ''],
        [0, expect.stringContaining('skipped')],
      ]);
      const finishedAt = new Date(Date.now() + 1000).toISOString();
      const statuses = pod.spec.containers.map(({ name }, index) => {
        const message = messages[index] ?? '';
        return { name, ready: false, state: { terminated: { exitCode: 0, message, finishedAt } } };
      });
      const done = podOf(spec, { phase: 'Succeeded', containerStatuses: statuses }, { settings: settingsOf(flags) });
      const of = begun({}, { taskSpec: spec, flags, pods: [done], reason: 'Running' });
      const bundle = { authorities: [server.authority.certificate], trustDomain: 'example.org' };
      const supply = supplyOf({ ...of, trustBundle: { kind: 'read', bundle } });
      const { status } = decideAtOnce(planTaskRun(factsOf(of), new Date(Date.now() + 2000)), supply);
      expect(status.conditions).toMatchObject([
        { reason: 'Succeeded' },
        { type: 'SignedResultsVerified', status: 'True' },
      ]);
      expect(Object.fromEntries((status.results ?? []).map(({ name, value }) => [name, value]))).toEqual({
        plain: 'w',
        list: ['x', 'y,z'],
        map: { a: '1', b: '2' },
        odd: 'a\ufffd\n',
        passed: 'mine',
      });
      expect(status.artifacts).toEqual({ outputs: [{ name: 'i', values: [{ uri: 'u' }] }] });
    } finally {
      await agent.stop();
    }
  });

  /** As long as names get: 63 bytes each, in the certificate. */
  const longId = `URI:spiffe://example.org/ns/${'n'.repeat(63)}/taskrun/${'r'.repeat(63)}`;
  const compressed = { 'enable-termination-message-compression': 'true' };

  // The sizes that config/docs/signed-results.md names, and a little more.
  it.for([
    ['one result of 2400 bytes', 1, 2_400, {}, undefined],
    ['one of 2500', 1, 2_500, {}, /task result "r0" has 2500 bytes; all that this step reports takes 41\d\d/],
    ['eleven of 64 bytes', 11, 64, {}, undefined],
    ['thirteen of them', 13, 64, {}, /task result "r0" has 64 bytes; all that this step reports takes 4\d{3}/],
    ['one of 60000 that compresses', 1, 60_000, compressed, undefined],
  ] as const)('signed results: %s', async ([, count, size, more, refusal], { signal }) => {
    const server = spireServer();
    const issued = server.issue(longId);
    const agent = await startSpiffeAgent({ identities: { of: () => [issued], authority: server.authority } });
    try {
      const names = Array.from({ length: count }, (_, index) => `r${index}`);
      const write = `for r in ${names.join(' ')}; do head -c ${size} /dev/zero | tr '\\0' x > "$HOST/tekton/results/$r"; done`;
      const spec: TaskSpec = {
        results: names.map((name) => ({ name })),
        steps: [{ name: 'a', image: 'i', script: write }],
      };
      const flags = { 'enforce-nonfalsifiability': 'spire', ...more };
      const { ended, messages, pod } = await runPod(spec, signal, flags, agent.socket);
      const terminated = { exitCode: ended[0]?.exit ?? -1, message: messages[0] ?? '' };
      const phase = terminated.exitCode === 0 ? 'Succeeded' : 'Failed';
      const known = { ...pod, status: { phase, containerStatuses: [{ name: 'step-a', state: { terminated } }] } };
      expect(didFail(known)).toBe(refusal !== undefined);
      if (refusal === undefined) {
        const own = readSteps(known, spec, true).results.filter(({ name }) => names.includes(name));
        return expect(own.map(({ value }) => value.length)).toEqual(names.map(() => size));
      }
      const { reason, message } = failureOf(known);
      expect(reason).toBe('TaskRunResultLargerThanAllowedLimit');
      expect(message).toMatch(refusal);
      expect(message).toMatch(
        /\(signatures: \d{4}\), and may have 4096; write less, or hand large data on in a workspace$/,
      );
    } finally {
      await agent.stop();
    }
  });

  it.for([3, 4, 10, 30])('loses no result in a pod of %i containers', async (containers, { signal }) => {
    const share = Math.min(4096, Math.floor(12_288 / containers));
    const sidecars = Array.from({ length: containers - 2 }, (_, index) => ({ name: `s${index}`, image: 'i' }));
    const outcomes: string[] = [];
    for (const size of [share - 150, share - 80, 5000]) {
      const spec: TaskSpec = {
        results: [{ name: 'r' }],
        steps: [{ name: 'a', image: 'i', script: `head -c ${size} /dev/zero | tr '\\0' x > "$HOST/tekton/results/r"` }],
        sidecars,
      };
      const { ended, messages, pod } = await runPod(spec, signal);
      const [message = ''] = messages;
      // What the kubelet leaves of it.
      const kept = message.slice(0, share);
      const status = {
        phase: ended[0]?.exit === 0 ? 'Succeeded' : 'Failed',
        containerStatuses: [
          { name: 'step-a', state: { terminated: { exitCode: ended[0]?.exit ?? -1, message: kept } } },
        ],
      };
      const known = { ...pod, status };
      const result = readSteps(known, spec, true).results[0]?.value ?? '';
      outcomes.push(didFail(known) ? 'failed' : 'succeeded');
      if (didFail(known)) {
        expect(failureOf(known).reason).toBe('TaskRunResultLargerThanAllowedLimit');
        expect(failureOf(known).message).toContain(`task result "r" has ${size} bytes`);
      } else expect(result).toHaveLength(size);
    }
    expect(outcomes).toEqual(['succeeded', 'failed', 'failed']);
  });
});
