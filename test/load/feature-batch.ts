import { customRuns, pipelineRuns, stepActions, taskRuns } from '../../src/api/resources.ts';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import { annotations, labels } from '../../src/core/labels.ts';
import { isDone, succeededCondition } from '../../src/core/condition.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { configMaps, pods } from '../../src/kube/resources.ts';
import { silentLogger } from '../../src/log.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { StandInCustomController } from './custom-controller.ts';
import { features, runOf, stepAction, type Feature } from './features.ts';

/** Turns what is alpha on, or leaves it to the settings again. */
export async function allowAlpha(client: KubeClient, isAllowed: boolean): Promise<void> {
  const name = 'feature-flags';
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'tekton-pipelines' },
    ...(isAllowed ? { data: { 'enable-api-fields': 'alpha' } } : {}),
  };
  await client.patch(configMaps, 'tekton-pipelines', name, {
    type: 'apply',
    fieldManager: 'features',
    force: true,
    body,
  });
}

/** Runs with every feature in a namespace of their own, watched from beginning to end. */
export class FeatureBatch {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #prefixes: readonly string[];
  /** By kind and name, the uids that were ever seen under it. */
  readonly #seen = new Map<string, Set<string>>();
  /** Uids of the pods of each TaskRun. */
  readonly #pods = new Map<string, Set<string>>();
  readonly #runs: Informer<PipelineRun>;
  readonly #running = new Set<string>();
  #mostInQueue = 0;

  /** Each feature runs once under each of the prefixes. */
  constructor(client: KubeClient, namespace: string, prefixes: readonly string[]) {
    this.#client = client;
    this.#namespace = namespace;
    this.#prefixes = prefixes;
    this.#runs = new Informer({ client, namespace, resource: pipelineRuns, log: silentLogger });
    this.#runs.onChange(({ key, object, type }) => this.#countQueue(key, object, type === 'deleted'));
  }

  /** Watches, and stands in for the controller of custom tasks, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const watched = [pipelineRuns, taskRuns, customRuns, pods] as unknown as Resource<KubeObject>[];
    const informers = watched.map((resource) => this.#watch(resource));
    const custom = new StandInCustomController(this.#client, this.#namespace);
    await Promise.all([...informers, this.#runs, custom].map((one) => one.run(signal)));
  }

  /** Makes all runs; the reruns as soon as what they rerun has ended. */
  async create(): Promise<void> {
    const { metadata, spec } = stepAction;
    await this.#client.create(stepActions, { metadata: { ...metadata, namespace: this.#namespace }, spec });
    for (const prefix of this.#prefixes)
      for (const feature of features)
        if (feature.after === undefined) await this.#create(feature, prefix);
        else this.#createAfter(feature, prefix + feature.after, prefix);
  }

  /** How many of the runs that were asked for have not ended yet. */
  get open(): number {
    return this.#open.length;
  }

  get #open(): string[] {
    const names = this.#prefixes.flatMap((prefix) => features.map(({ name }) => prefix + name));
    return names.filter((name) => !isDone(this.#runs.store.find(this.#namespace, name)?.status));
  }

  /** What the runs that have not ended say. */
  #standing(): string {
    const said = this.#open.map((name) => {
      const { reason, message } = succeededCondition(this.#runs.store.find(this.#namespace, name)?.status) ?? {};
      return `${name}: ${reason} ${message}`;
    });
    return said.join('\n');
  }

  /** Waits until all have ended. */
  async ended(timeoutMs: number): Promise<void> {
    for (const end = Date.now() + timeoutMs; this.open > 0;) {
      if (Date.now() > end) throw new Error(`not ended within ${timeoutMs / 1000} s:\n${this.#standing()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Everything that is not as it has to be, one line each. */
  async verdict(): Promise<string[]> {
    const list = <T extends KubeObject>(resource: Resource<T>) =>
      this.#client.list(resource, { namespace: this.#namespace }).then(({ items }) => items);
    const runs = await list(pipelineRuns);
    const children = [...runs, ...(await list(taskRuns)), ...(await list(customRuns))].map(({ metadata }) => metadata);
    const twice = [...this.#seen].filter(([, uids]) => uids.size > 1).map(([key]) => `${key} was made twice`);
    const unrecorded = runs.flatMap(({ metadata: { name = '' }, status }) => {
      const made = children
        .filter((child) => child.labels?.[labels.pipelineRun] === name)
        .map((child) => child.name ?? '');
      return differing(`${name} records`, status?.childReferences?.map((child) => child.name ?? '') ?? [], made);
    });
    const names = children.map(({ name = '' }) => name);
    const ends = this.#prefixes.flatMap((prefix) =>
      features.flatMap((feature) => {
        const name = prefix + feature.name;
        const run = runs.find(({ metadata }) => metadata.name === name);
        return this.#judge(feature, [name, run], names);
      }),
    );
    const queue = this.#mostInQueue === 1 ? [] : [`${this.#mostInQueue} runs of a queue of one ran at the same time`];
    return [...twice, ...unrecorded, ...ends, ...queue];
  }

  #judge({ end, below }: Feature, [name, run]: [string, PipelineRun | undefined], names: readonly string[]): string[] {
    const { status = 'none', reason = '', message = '' } = succeededCondition(run?.status) ?? {};
    const said = `${status} ${reason}: ${message.replaceAll(name, 'NAME')}`;
    const beginning = `${name}-`;
    const others = features.filter((other) => other.name.startsWith(`${name.slice(this.#prefixOf(name).length)}-`));
    const own = names.filter(
      (child) =>
        child.startsWith(beginning) && !others.some((other) => child.startsWith(this.#prefixOf(name) + other.name)),
    );
    const pods = Object.entries(below).flatMap(([child, wanted]) => {
      const made = this.#pods.get(beginning + child)?.size ?? 0;
      return wanted === undefined || made === wanted ? [] : [`${beginning}${child} had ${made} pods, not ${wanted}`];
    });
    const expected = Object.keys(below).map((child) => beginning + child);
    return [...(said === end ? [] : [`${name}: ${said}; not ${end}`]), ...differing(name, own, expected), ...pods];
  }

  #prefixOf(name: string): string {
    return this.#prefixes.find((prefix) => name.startsWith(prefix)) ?? '';
  }

  async #create(feature: Feature, prefix: string): Promise<void> {
    await this.#client.create(pipelineRuns, runOf(feature, prefix, this.#namespace));
  }

  #createAfter(feature: Feature, earlier: string, prefix: string): void {
    let isMade = false;
    this.#runs.onChange(({ object }) => {
      if (isMade || object.metadata.name !== earlier || !isDone(object.status)) return;
      isMade = true;
      void this.#create(feature, prefix);
    });
  }

  #watch(resource: Resource<KubeObject>): Informer<KubeObject> {
    const informer = new Informer<KubeObject>({
      client: this.#client,
      namespace: this.#namespace,
      resource,
      log: silentLogger,
    });
    informer.onChange(({ object: { metadata } }) => {
      const { name = '', uid = '' } = metadata;
      note(this.#seen, `${resource.kind} ${name}`, uid);
      if (resource.kind === 'Pod') note(this.#pods, metadata.labels?.[labels.taskRun] ?? '', uid);
    });
    return informer;
  }

  #countQueue(key: string, { metadata, status }: PipelineRun, isGone: boolean): void {
    if (metadata.annotations?.[annotations.concurrencyLimit] === undefined) return;
    if (isGone || status?.startTime === undefined || isDone(status)) this.#running.delete(key);
    else this.#running.add(key);
    this.#mostInQueue = Math.max(this.#mostInQueue, this.#running.size);
  }
}

function note(sets: Map<string, Set<string>>, key: string, value: string): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

function differing(what: string, found: readonly string[], wanted: readonly string[]): string[] {
  const [have, want] = [[...found].sort().join(' '), [...wanted].sort().join(' ')];
  return have === want ? [] : [`${what}: ${have}; not ${want}`];
}
