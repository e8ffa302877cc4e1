import { parseSpire } from '../../api/config/config-spire.ts';
import { parseDefaults } from '../../api/config/config-defaults.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../../api/pipeline/v1beta1/customrun.ts';
import { timestamp } from '../condition.ts';
import { labels } from '../labels.ts';
import type { Settings } from '../settings.ts';
import { decideAtOnce, type AnswerTo, type DefinitionNeed, type Turn, type TurnNeed } from '../need.ts';
import type { Resolved } from '../reference/resolved.ts';
import { childOf, stopPatch, type Child, type ChildKind, type ChildObject, type StopPatch } from './child/child.ts';
import { planPipelineRun } from './plan.ts';
import { settle, type Settled } from './settle.ts';
import type { EffectOutcome } from '../decision.ts';
import { leftoversOf } from './leftovers.ts';
import type {
  ClaimObject,
  PipelineRunDecision,
  PipelineRunEffect,
  PipelineRunFacts,
  PipelineRunNeed,
} from './types.ts';

export const settings: Settings = {
  flags: parseFeatureFlags(undefined).flags,
  defaults: parseDefaults(undefined).defaults,
  spire: parseSpire({}).spire,
  images: { entrypoint: 'entrypoint:1', nop: 'nop:1' },
  release: 'v1',
};

/** A task with an embedded spec that declares results. */
export function task(name: string, fields: Partial<PipelineTask> = {}, ...results: string[]): PipelineTask {
  const declared = results.length > 0 ? { results: results.map((result) => ({ name: result })) } : {};
  return {
    name,
    ...(fields.taskRef ? {} : { taskSpec: { steps: [{ name: 's', image: 'busybox' }], ...declared } }),
    ...fields,
  };
}

export function pipelineRun(spec: PipelineRunSpec, metadata: PipelineRun['metadata'] = {}): PipelineRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: {
      name: 'run',
      namespace: 'ns',
      uid: 'uid-run',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec,
  };
}

export interface Outcome {
  status?: 'True' | 'False';
  reason?: string;
  results?: Record<string, ParamValue>;
}

/**
 * A run brought forward step by step without an API server: its decisions are applied to objects in memory, its
 * TaskRuns end as the test says.
 */
export class Simulation {
  run: PipelineRun;
  now: Date;
  readonly taskRuns = new Map<string, TaskRun>();
  readonly customRuns = new Map<string, CustomRun>();
  /** Of pipelines within the pipeline. */
  readonly pipelineRuns = new Map<string, PipelineRun>();
  ancestors: readonly PipelineRun[] = [];
  readonly claims = new Map<string, ClaimObject>();
  readonly nodeHolders = new Set<string>();
  /** How often a TaskRun of that name was created. */
  readonly created: string[] = [];
  readonly events: string[] = [];
  settings = settings;
  pipeline: Resolved<'Pipeline'> | undefined;
  tasks = new Map<string, Resolved<'Task'>>();

  constructor(run: PipelineRun, now = '2026-01-01T00:00:01Z') {
    this.run = run;
    this.now = new Date(now);
  }

  facts(): PipelineRunFacts {
    return { run: this.run, children: this.children(), ancestors: this.ancestors, settings: this.settings };
  }

  /** What is asked for beside the facts, by name; remote references by their resolver. */
  readonly supply = (need: DefinitionNeed): Resolved => {
    const { reference } = need;
    this.asked.push(reference.kind === 'inCluster' ? reference.name : reference.resolver);
    if (this.answer) return this.answer(need);
    const found =
      reference.ofKind === 'Pipeline'
        ? this.pipeline
        : this.tasks.get(reference.kind === 'inCluster' ? reference.name : reference.resolver);
    if (found) return found;
    return reference.kind === 'remote'
      ? { kind: 'failed', reason: 'Unsupported', message: 'no resolver here' }
      : {
          kind: 'failed',
          reason: 'NotFound',
          message: `${reference.ofKind.toLowerCase()}s.tekton.dev "${reference.name}" not found`,
        };
  };

  /** PipelineRuns that have ended, for reruns. */
  readonly earlier = new Map<string, PipelineRun>();

  /** What becomes of a run that asks for its turn. */
  turn: Turn = { kind: 'go' };

  answerTo(need: PipelineRunNeed): AnswerTo<PipelineRunNeed> {
    switch (need.type) {
      case 'turn':
        return this.#turn(need);
      case 'earlierPipelineRun':
        return this.earlier.get(need.name);
      case 'claim':
        return this.claims.get(need.name)?.metadata;
      case 'definition':
        return this.supply(need);
      default: {
        const never: never = need;
        return never;
      }
    }
  }

  #turn(need: TurnNeed): Turn {
    this.asked.push(need.queue.title);
    return this.turn;
  }

  /** In the place of all answers. */
  answer: ((need: DefinitionNeed) => Resolved) | undefined;
  /** Names of definitions that planning asked for. */
  readonly asked: string[] = [];

  children(): Child[] {
    return [
      ...[...this.taskRuns.values()].map((taskRun) => childOf('TaskRun', taskRun)),
      ...[...this.customRuns.values()].map((customRun) => childOf('CustomRun', customRun)),
      ...[...this.pipelineRuns.values()].map((pipelineRun) => childOf('PipelineRun', pipelineRun)),
    ];
  }

  /** Decides without doing anything. */
  plan(): PipelineRunDecision {
    return decideAtOnce(planPipelineRun(this.facts(), this.now), (need) => this.answerTo(need));
  }

  /** One reconcile in which every effect works. */
  step(): Settled {
    const decision = this.plan();
    const facts = this.facts();
    const outcomes: EffectOutcome<PipelineRunEffect>[] = [];
    const carryOut = (effects: readonly PipelineRunEffect[]) => {
      for (const effect of effects) this.#apply(effect);
      outcomes.push(...effects.map((effect) => ({ effect, kind: 'applied' as const, ...this.#made(effect) })));
      return settle(facts.run, decision, outcomes, this.now);
    };
    let settled = carryOut(decision.effects);
    const leftovers = leftoversOf(facts, settled.status, outcomes);
    if (leftovers.length > 0) settled = carryOut(leftovers);
    this.events.push(
      ...settled.events.map(
        ({ eventType, reason, message }) => `${eventType} ${reason}${message === '' ? '' : ` ${message}`}`,
      ),
    );
    this.run = {
      ...this.run,
      status: JSON.parse(JSON.stringify(settled.status)) as NonNullable<PipelineRun['status']>,
    };
    return settled;
  }

  /** Ends the TaskRun of a task (or one of its fan-out). */
  finish(
    task: string,
    { status = 'True', reason = status === 'True' ? 'Succeeded' : 'Failed', results = {} }: Outcome = {},
    index?: number,
  ): void {
    const name = `${this.run.metadata.name}-${task}${index === undefined ? '' : `-${index}`}`;
    const children = this.#childrenOf(this.#kindOf(name));
    const child = children.get(name);
    if (!child) throw new Error(`no run ${name}; there are ${this.created.join(', ')}`);
    const values = Object.entries(results).map(([result, value]) => ({ name: result, value }));
    const condition = { type: 'Succeeded', status, reason, lastTransitionTime: timestamp(this.now) };
    children.set(name, {
      ...child,
      status: { conditions: [condition], ...(values.length > 0 ? { results: values } : {}) },
    });
  }

  pass(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }

  request(status: string): void {
    this.run = { ...this.run, metadata: { ...this.run.metadata, generation: 2 }, spec: { ...this.run.spec, status } };
  }

  /** What the run says about itself: "False Failed: message". */
  get condition(): string {
    const condition = this.run.status?.conditions?.[0];
    return condition === undefined ? 'none' : `${condition.status} ${condition.reason}: ${condition.message}`;
  }

  get skipped(): Record<string, string> {
    return Object.fromEntries((this.run.status?.skippedTasks ?? []).map(({ name, reason }) => [name, reason]));
  }

  /** Names of the pipeline tasks that have TaskRuns which are not done. */
  get running(): string[] {
    return [...this.taskRuns.values()]
      .filter((taskRun) => taskRun.status === undefined)
      .map((taskRun) => taskRun.metadata.labels?.[labels.pipelineTask] ?? '');
  }

  /** As the API server answers a creation. */
  #made(effect: PipelineRunDecision['effects'][number]): { object?: ChildObject } {
    if (effect.type !== 'createChild') return {};
    const object = this.#childrenOf(effect.child.kind).get(effect.child.metadata.name ?? '');
    return object ? { object } : {};
  }

  #childrenOf(kind: ChildKind): Map<string, ChildObject> {
    const all = { TaskRun: this.taskRuns, CustomRun: this.customRuns, PipelineRun: this.pipelineRuns };
    return all[kind];
  }

  #kindOf(name: string): ChildKind {
    if (this.pipelineRuns.has(name)) return 'PipelineRun';
    return this.customRuns.has(name) ? 'CustomRun' : 'TaskRun';
  }

  #apply(effect: PipelineRunDecision['effects'][number]): void {
    switch (effect.type) {
      case 'createChild': {
        const { child } = effect;
        const name = child.metadata.name ?? '';
        this.created.push(name);
        const metadata = { ...child.metadata, uid: `uid-${name}`, creationTimestamp: timestamp(this.now) };
        this.#childrenOf(child.kind).set(name, { ...child, metadata });
        return;
      }
      case 'cancelChild': {
        const children = this.#childrenOf(effect.kind);
        const child = children.get(effect.name);
        if (child) children.set(effect.name, patched(child, stopPatch(effect.kind, effect.cause, effect.request)));
        return;
      }
      case 'patchMetadata':
        this.run = {
          ...this.run,
          metadata: {
            ...this.run.metadata,
            labels: { ...this.run.metadata.labels, ...effect.labels },
            annotations: { ...this.run.metadata.annotations, ...effect.annotations },
          },
        };
        return;
      case 'createPersistentVolumeClaim':
        this.claims.set(effect.claim.metadata.name ?? '', effect.claim);
        return;
      case 'sharePersistentVolumeClaim': {
        const claim = this.claims.get(effect.name);
        if (claim) this.claims.set(effect.name, sharedWith(claim, this.run));
        return;
      }
      case 'deletePersistentVolumeClaim':
        this.claims.delete(effect.name);
        return;
      case 'createNodeHolder':
        this.nodeHolders.add(effect.pod.metadata.name ?? '');
        return;
      case 'deleteNodeHolder':
        this.nodeHolders.delete(effect.name);
        return;
      case 'supersede':
      case 'event':
        return;
      default: {
        const never: never = effect;
        throw new Error(`unknown effect ${JSON.stringify(never)}`);
      }
    }
  }
}

function sharedWith(claim: ClaimObject, { metadata: { uid = '', name = '' } }: PipelineRun): ClaimObject {
  const { ownerReferences = [], ...metadata } = claim.metadata;
  const owner = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name, uid };
  return { ...claim, metadata: { ...metadata, ownerReferences: [...ownerReferences, owner] } };
}

function patched(child: ChildObject, patch: StopPatch): ChildObject {
  const { metadata, spec } = child;
  if (patch.type === 'json') {
    const changes = patch.body.map(({ path, value }) => [path.slice('/spec/'.length), value]);
    return { ...child, spec: { ...spec, ...Object.fromEntries(changes) } };
  }
  const annotations = { ...metadata.annotations, ...patch.body.metadata.annotations };
  return { ...child, metadata: { ...metadata, annotations }, spec: { ...spec, ...patch.body.spec } };
}
