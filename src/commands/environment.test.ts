import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { pipelines } from '../api/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { systemEnvironment } from './environment.ts';
import { runCommand } from './main.ts';

function streams(options: { terminal?: boolean; env?: Record<string, string>; input?: string; room?: number } = {}) {
  const terminal = options.terminal === true ? { isTTY: true } : {};
  const stdin = Object.assign(new PassThrough(), terminal);
  stdin.end(options.input ?? '');
  return {
    stdin,
    stdout: Object.assign(new PassThrough({ highWaterMark: options.room ?? 1024 }), terminal),
    stderr: new PassThrough(),
    env: options.env ?? {},
  };
}
const signal = new AbortController().signal;

describe('systemEnvironment', () => {
  it.each<[string, Parameters<typeof streams>[0], boolean]>([
    ['on a terminal', { terminal: true }, true],
    ['into a file', {}, false],
    ['with NO_COLOR', { terminal: true, env: { NO_COLOR: '' } }, false],
    ['on a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }, false],
  ])('colours %s', (_name, options, colour) => {
    expect(systemEnvironment('v1', streams(options)).terminal.colour).toBe(colour);
  });

  it('writes to where it should and reads line by line', async () => {
    const given = streams({ input: 'y\nno\n' });
    const { terminal } = systemEnvironment('v1', given);
    terminal.out('to out');
    terminal.err('to err');
    expect(String(given.stdout.read())).toBe('to out');
    expect(String(given.stderr.read())).toBe('to err');
    const lines: string[] = [];
    for await (const line of terminal.lines(signal)) lines.push(line);
    expect(lines).toEqual(['y', 'no']);
    expect(terminal.interactive).toBe(false);
  });

  it.each([
    ['n', 1],
    ['y', 0],
  ])('is let go when a command has been answered "%s": the process could not end', async (answer, wanted) => {
    const cluster = new FakeEnvironment();
    cluster.cluster.put(pipelines, { metadata: { name: 'build', namespace: 'ns' }, spec: {} });
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const { terminal } = systemEnvironment('v1', { ...streams({ terminal: true }), stdin });
    const environment = { ...cluster, terminal, connect: () => cluster.connect() };
    stdin.write(`${answer}\n`);
    expect(await runCommand(['pipeline', 'delete', 'build'], environment, signal)).toBe(wanted);
    expect(stdin.isPaused()).toBe(true);
    expect(stdin.listenerCount('data')).toBe(0);
  });

  it('has writers wait for a slow reader', async () => {
    const given = streams({ room: 4 });
    const { terminal } = systemEnvironment('v1', given);
    expect(terminal.drained?.(signal)).toBeUndefined();
    terminal.out('more than four');
    const waiting = terminal.drained?.(signal);
    expect(waiting).toBeInstanceOf(Promise);
    given.stdout.resume();
    await waiting;
    expect(terminal.drained?.(signal)).toBeUndefined();
  });

  it('says how to name a cluster when there is none', async () => {
    const environment = systemEnvironment('v1', streams({ env: { HOME: '/nonexistent' } }));
    await expect(environment.connect({ kubeconfig: '', context: '' })).rejects.toThrow(
      'no cluster is configured: pass --kubeconfig, set KUBECONFIG or write $HOME/.kube/config',
    );
  });

  it('names a kubeconfig that cannot be read', async () => {
    const environment = systemEnvironment('v1', streams());
    await expect(environment.connect({ kubeconfig: '/nonexistent/config', context: '' })).rejects.toThrow(
      '/nonexistent/config',
    );
  });
});
