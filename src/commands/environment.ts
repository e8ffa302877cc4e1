import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import type { Connection, ConnectionChoice } from './cluster.ts';

/** Where a command's texts go and its answers come from. */
export interface Terminal {
  out: (text: string) => void;
  err: (text: string) => void;
  /** Whether colours and emojis are wanted. */
  colour: boolean;
  /** Whether a person can answer a question. */
  interactive: boolean;
  /** Resolves when what was written has gone out far enough to write more; undefined when it has. */
  drained?(signal: AbortSignal): Promise<void> | undefined;
  /** Lines of standard input; reading begins with the first use. */
  lines(signal: AbortSignal): AsyncIterable<string>;
}

/** Everything a command takes from its surroundings, so that tests decide all of it. */
export interface CommandEnvironment {
  terminal: Terminal;
  clock: Clock;
  /** What `tektite version` prints as the client's. */
  version: string;
  /** @throws when no cluster is configured. */
  connect(choice: ConnectionChoice): Promise<Connection>;
}

interface Streams {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable;
  env: Readonly<Record<string, string | undefined>>;
}

/** The process's own terminal, clock and kubeconfig. The API client is loaded when a command first needs it. */
export function systemEnvironment(version: string, streams: Streams = process): CommandEnvironment {
  const { stdin, stdout, stderr, env } = streams;
  if (!stdout.listeners('error').includes(endOfReader)) stdout.on('error', endOfReader);
  return {
    version,
    clock: systemClock,
    terminal: {
      out: (text) => void stdout.write(text),
      err: (text) => void stderr.write(text),
      drained: (signal) =>
        stdout.writableNeedDrain ? once(stdout, 'drain', { signal }).then(() => undefined) : undefined,
      colour: stdout.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb',
      interactive: stdin.isTTY === true,
      lines: (signal) => linesOf(stdin, signal),
    },
    connect: ({ kubeconfig, context }) => connect(kubeconfig, context, version, env),
  };
}

/** Whoever read our output has gone ("| head"): end as a program killed by SIGPIPE does, without a word. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(141);
}

async function* linesOf(stdin: Readable, signal: AbortSignal): AsyncIterable<string> {
  const reader = createInterface({ input: stdin, signal });
  try {
    yield* reader;
  } finally {
    reader.close();
  }
}

async function connect(kubeconfig: string, context: string, version: string, env: Streams['env']): Promise<Connection> {
  const [{ loadClusterConfig }, { KubeClient }] = await Promise.all([
    import('../kube/config.ts'),
    import('../kube/client.ts'),
  ]);
  const config = await loadClusterConfig({
    env,
    ...(kubeconfig ? { kubeconfig } : {}),
    ...(context ? { context } : {}),
  });
  // As tkn: a person's client need not be throttled like a controller.
  const client = new KubeClient(config, { userAgent: `tektite/${version}`, qps: 50, burst: 300 });
  return { cluster: client, namespace: config.namespace, close: () => client.close(true) };
}
