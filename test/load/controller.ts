import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bundledProgram } from '../../hack/built-sources.ts';
import { SMALL_HEAP_FLAGS } from '../../hack/image-build/recipes.ts';
import { freePort } from '../free-port.ts';

export interface ControllerOptions {
  kubeconfig: string;
  flags?: readonly string[];
  /** Flags of Node itself, after those of the image. */
  nodeFlags?: readonly string[];
  /** Over the test's own environment. */
  env?: Readonly<Record<string, string>>;
}

/** What a process has used so far. */
export interface Usage {
  processorSeconds: number;
  peakMegabytes: number;
  megabytes: number;
}

/** The controller role as a process, bundled as in its image; its memory and processor time are the process's own. */
export class LoadedController {
  readonly #options: ControllerOptions;
  readonly #program: string;
  readonly #ports: { metrics: number; probes: number };
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(options: ControllerOptions, program: string, ports: { metrics: number; probes: number }) {
    this.#options = options;
    this.#program = program;
    this.#ports = ports;
  }

  /** Bundles the sources if they are not; `start` starts the process. */
  static async prepare(options: ControllerOptions): Promise<LoadedController> {
    const program = await bundledProgram();
    return new LoadedController(options, program, { metrics: await freePort(), probes: await freePort() });
  }

  /** Starts it, and waits until it is ready. Returns the seconds that took. */
  async start(more: readonly string[] = [], timeoutMs = 120_000): Promise<number> {
    const { kubeconfig, flags = [], nodeFlags = [], env = {} } = this.#options;
    const args = ['controller', `--kubeconfig=${kubeconfig}`, '--disable-ha', '--entrypoint-image=example/entrypoint'];
    const child = spawn(
      process.execPath,
      [...SMALL_HEAP_FLAGS, ...nodeFlags, this.#program, ...args, '--nop-image=example/nop', ...flags, ...more],
      {
        env: {
          ...process.env,
          POD_NAME: 'load',
          METRICS_PROMETHEUS_PORT: String(this.#ports.metrics),
          PROBES_PORT: String(this.#ports.probes),
          LOG_LEVEL: 'warn',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString('utf8')).slice(-100_000)));
    this.#child = child;
    const began = performance.now();
    while (!(await this.#answers('/readiness'))) {
      if (child.exitCode !== null) throw new Error(`the controller ended:\n${this.#log}`);
      if (performance.now() - began > timeoutMs) throw new Error(`the controller does not get ready:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return (performance.now() - began) / 1000;
  }

  /** The last 100,000 characters that it wrote. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the controller does not run');
    return this.#child.pid;
  }

  usage(): Usage {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const kilobytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]);
    return {
      processorSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
      peakMegabytes: Math.round(kilobytes('VmHWM') / 1024),
      megabytes: Math.round(kilobytes('VmRSS') / 1024),
    };
  }

  isAlive(): Promise<boolean> {
    return this.#answers('/health');
  }

  /** All its metrics, in Prometheus' text format. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#ports.metrics}/metrics`)).text();
  }

  /** The sum of all series of a metric whose labels contain a text. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.metrics()).split('\n').filter((line) => /[{ ]/.test(line.charAt(name.length)));
    return lines
      .filter((line) => line.startsWith(name) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async #answers(probe: string): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.probes}${probe}`).catch(() => undefined);
    return answer?.ok ?? false;
  }
}
