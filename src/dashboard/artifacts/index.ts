import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { Logger } from '../../log.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import type { TrustedKey } from '../provenance/attestation.ts';
import type { Scope } from '../runs/index.ts';
import type { Made } from '../view/artifacts.ts';
import { makerOf, type Maker } from './made.ts';

export interface ArtifactIndexOptions {
  client: Pick<KubeClient, 'list' | 'watch'>;
  /** Those that are watched; all when empty. */
  namespaces: readonly string[];
  trusted: TrustedKey | undefined;
  log: Logger;
}

/** A run that made something came, changed or went. */
export type ArtifactChange = Scope;

/**
 * The images that runs made, kept up to date by watches. TaskRuns of pipelines are among them, of which there are
 * several for each run of the list: they are watched from the first question on, so that a dashboard at which nobody
 * asks for images never reads them.
 */
export class ArtifactIndex {
  readonly #informers: Informer<KubeObject>[];
  readonly #makers = new Map<string, Maker>();
  readonly #listeners = new Set<(change: ArtifactChange) => void>();
  readonly #asked: Promise<void>;
  #ask: () => void = () => undefined;
  #isSynced = false;

  constructor({ client, namespaces, trusted, log }: ArtifactIndexOptions) {
    this.#asked = new Promise((resolve) => (this.#ask = resolve));
    const watch = (resource: Resource) =>
      (namespaces.length === 0 ? [undefined] : namespaces).map((namespace) => {
        const transform = (object: KubeObject): KubeObject =>
          makerOf({ ...object, kind: resource.kind } as PipelineRun | TaskRun, trusted);
        const informer = new Informer({ client, resource, namespace, transform, log });
        informer.onChange(({ type, object }) => this.#changed(object as Maker, type === 'deleted'));
        return informer;
      });
    this.#informers = [...watch(pipelineRuns), ...watch(taskRuns)];
  }

  /** Waits for the first question, then watches until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', this.#ask, { once: true });
    await this.#asked;
    if (signal.aborted) return;
    const synced = Promise.all(this.#informers.map((informer) => informer.synced(signal))).then(
      () => void (this.#isSynced = true),
      () => undefined,
    );
    await Promise.all([synced, ...this.#informers.map((informer) => informer.run(signal))]);
  }

  /** Whether the first lists are in; the first question has them read. */
  isSynced(): boolean {
    this.#ask();
    return this.#isSynced;
  }

  /** Where images were made, by kind of run. */
  scopes(): Scope[] {
    const found = new Map<string, Scope>();
    for (const { run } of this.#makers.values())
      if (run) found.set(`${run.kind}/${run.namespace}`, { kind: run.kind, namespace: run.namespace });
    return [...found.values()];
  }

  /** Each image of each run. */
  *made(): Iterable<Made> {
    for (const { run, images } of this.#makers.values()) {
      if (run === undefined) continue;
      for (const { name, digest, attestation } of images)
        yield { name, digest, run: attestation === undefined ? run : { ...run, attestation } };
    }
  }

  /** Calls `listener` after each change. Returns the way to stop. */
  onChange(listener: (change: ArtifactChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(maker: Maker, isGone: boolean): void {
    const { uid = '' } = maker.metadata;
    const before = this.#makers.get(uid)?.run;
    const { run } = maker;
    if (run !== undefined && !isGone) this.#makers.set(uid, maker);
    else this.#makers.delete(uid);
    const about = run ?? before;
    if (about === undefined) return;
    for (const listener of this.#listeners) listener({ kind: about.kind, namespace: about.namespace });
  }
}
