import { readFile } from 'node:fs/promises';
import { Counter, type Registry } from 'prom-client';
import type { TracingConfig } from '../../api/config/config-tracing.ts';
import { elapsedScale, type Clock } from '../../clock.ts';
import type { RunKind } from '../../core/owner.ts';
import { asError, messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { certificatesIn } from '../../pem.ts';
import type { ReconcileSpan, TracedRun, Tracing } from '../../reconcilers/tracing.ts';
import type { Destination } from './destination.ts';
import type { OpenTracing } from './exporter.ts';

export interface LiveTracingOptions {
  /** The settings as they are now; the same object until they change. */
  settings: () => TracingConfig;
  /** Data of a Secret of the controller's namespace, base64 each. */
  readSecret: (name: string) => Promise<Readonly<Record<string, string>> | undefined>;
  /** PEM that the process trusts beside the usual ones. */
  certificates: readonly string[];
  /** Told when spans begin to be lost. */
  onProblem: (message: string) => void;
  registry: Registry;
  clock: Clock;
  log: Pick<Logger, 'info' | 'warn'>;
  /** Loads the exporter. */
  open?: (destination: Destination) => Promise<OpenTracing>;
}

/** A Secret that was changed is read again after so long, and one that was missing is looked for again. */
const credentialsMs = 60_000;
/** How long the end of a process, or a change of settings, waits for the last spans. */
const closeMs = 3_000;

/**
 * Tracing by settings that may change at any time. A reconcile never waits for it: while an exporter is being opened
 * nothing is recorded, and what cannot be sent is dropped, counted and told.
 */
export class LiveTracing implements Tracing {
  readonly #options: LiveTracingOptions;
  readonly #spans: Counter;
  #wanted: TracingConfig | undefined;
  #open: OpenTracing | undefined;
  #changing: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(options: LiveTracingOptions) {
    this.#options = options;
    this.#spans = new Counter({
      name: 'tekton_pipelines_controller_spans_count',
      help: 'Spans for the trace receiver by what became of them: sent, lost',
      labelNames: ['status'],
      registers: [options.registry],
    });
  }

  begin(kind: RunKind, run: TracedRun): ReconcileSpan | undefined {
    void this.follow();
    return this.#open?.begin(kind, run);
  }

  /** Resolves when what the settings say now is so, or was told to be impossible. */
  follow(): Promise<void> {
    const wanted = this.#options.settings();
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      this.#changing = this.#changing.then(() => this.#change(wanted));
    }
    return this.#changing;
  }

  /** Sends what is left, for a moment. */
  async close(): Promise<void> {
    await this.#changing;
    await this.#shut();
  }

  async #change(wanted: TracingConfig): Promise<void> {
    if (wanted !== this.#wanted) return;
    await this.#shut();
    if (!wanted.enabled) return;
    try {
      const open = this.#options.open ?? (async (to) => (await import('./exporter.ts')).openTracing(to));
      this.#open = await open(await this.#destination(wanted));
      this.#failing = false;
      this.#options.log.info({ endpoint: wanted.endpoint }, 'tracing is on');
    } catch (error) {
      this.#tell(`tracing is off until config-tracing is corrected: ${messageOf(error)}`);
    }
  }

  async #destination({
    protocol,
    endpoint,
    samplingRatio,
    credentialsSecret,
    caCertificate,
  }: TracingConfig): Promise<Destination> {
    const own = await certificate(caCertificate);
    return {
      protocol,
      endpoint,
      samplingRatio,
      certificates: [...this.#options.certificates, ...own],
      headers: credentialsSecret === '' ? () => Promise.resolve({}) : this.#authorization(credentialsSecret),
      onExport: (spans, error) => this.#exported(spans, endpoint, error),
    };
  }

  /** The header by a Secret, which may be changed while it is in use. */
  #authorization(secret: string): () => Promise<Record<string, string>> {
    const { clock, readSecret } = this.#options;
    let known: { headers: Record<string, string>; until: number } | undefined;
    return async () => {
      const now = elapsedScale(clock);
      if (known && now < known.until) return known.headers;
      const data = await readSecret(secret);
      const [username, password] = [data?.['username'], data?.['password']].map(decoded);
      if (!username || !password)
        throw new Error(`Secret ${secret} with username and password is not there: spans are not sent without`);
      const token = Buffer.from(`${username}:${password}`).toString('base64');
      known = { headers: { Authorization: `Basic ${token}` }, until: now + credentialsMs };
      return known.headers;
    };
  }

  #exported(spans: number, endpoint: string, error: Error | undefined): void {
    this.#spans.inc({ status: error ? 'lost' : 'sent' }, spans);
    if (!error) {
      if (this.#failing) this.#options.log.info({ endpoint }, 'the trace receiver takes spans again');
      this.#failing = false;
    } else if (!this.#failing) {
      this.#failing = true;
      this.#tell(`spans are lost, since ${endpoint} does not take them: ${messageOf(asError(error))}`);
    }
  }

  #tell(message: string): void {
    this.#options.log.warn(message);
    this.#options.onProblem(message);
  }

  async #shut(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    const off = new AbortController();
    const late = this.#options.clock.sleep(closeMs, off.signal).catch(() => undefined);
    await Promise.race([
      open.close().catch((error: unknown) => this.#tell(`spans are lost: ${messageOf(error)}`)),
      late,
    ]);
    off.abort();
  }
}

const decoded = (base64: string | undefined) => base64 && Buffer.from(base64, 'base64').toString('utf8').trim();

/** @throws when a file that is named cannot be read, or has no certificate in it */
async function certificate(given: string): Promise<string[]> {
  if (given === '') return [];
  const pem = given.includes('-----BEGIN') ? given : await readFile(given, 'utf8');
  if (certificatesIn(pem).length === 0) throw new Error(`cacert: no certificate in it`);
  return [pem];
}
