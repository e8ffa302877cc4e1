import { FakeClock } from '../clock.fake.ts';
import { FakeCluster } from './cluster.fake.ts';
import type { CommandEnvironment } from './environment.ts';
import { runCommand } from './main.ts';

/** A command line's whole surroundings, in memory. */
export class FakeEnvironment implements CommandEnvironment {
  readonly cluster = new FakeCluster();
  readonly clock: FakeClock;
  readonly version = 'v0.1.0';
  readonly terminal;
  out = '';
  err = '';
  connectFailure: Error | undefined;

  constructor(options: { now?: string; colour?: boolean; answers?: string[]; interactive?: boolean } = {}) {
    this.clock = new FakeClock(options.now ?? '2026-05-01T12:00:00Z');
    const answers = options.answers ?? [];
    this.terminal = {
      out: (text: string) => void (this.out += text),
      err: (text: string) => void (this.err += text),
      colour: options.colour ?? false,
      interactive: options.interactive ?? false,
      async *lines() {
        yield* answers;
      },
    };
  }

  async connect() {
    if (this.connectFailure) throw this.connectFailure;
    return { cluster: this.cluster, namespace: 'ns', close: () => Promise.resolve() };
  }

  /** Runs a command line: words parted by single spaces; a no-break space stands for a space within a word. */
  run(line: string, signal: AbortSignal = new AbortController().signal): Promise<number> {
    return runCommand(
      line.split(' ').map((word) => word.replaceAll('\u00a0', ' ')),
      this,
      signal,
    );
  }
}
