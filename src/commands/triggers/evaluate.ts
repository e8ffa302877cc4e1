import { defaultEventListener, defaultTrigger } from '../../api/triggers/defaults.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import {
  decoded,
  type EventListener,
  type Trigger,
  type TriggerBinding,
  type TriggerTemplate,
} from '../../api/triggers/objects.ts';
import { answerAnnotation } from '../../api/triggers/outcome-event.ts';
import { forms, type TriggersKind } from '../../api/triggers/spec.ts';
import { validateEventListener } from '../../api/triggers/validate.ts';
import { systemClock } from '../../clock.ts';
import { silentLogger } from '../../log.ts';
import type { KubeObject } from '../../resource.ts';
import type { Param } from '../../triggers/resolve/bindings.ts';
import type { ResourceObject } from '../../triggers/resolve/template.ts';
import type { SinkAnswer } from '../../triggers/sink/answer.ts';
import { Sink } from '../../triggers/sink/sink.ts';
import type { TriggerOutcome } from '../../triggers/sink/trigger.ts';
import { CommandError } from '../command.ts';
import { LocalInterceptors, type InterceptorStep, type ManifestObject } from './local-interceptors.ts';

export interface LocalEvent {
  body: Buffer;
  headers: Readonly<Record<string, string>>;
  url: string;
}

/** What a listener would do with an event. */
export interface Evaluation {
  status: number;
  /** Why no trigger was asked. */
  problem?: string;
  triggers: EvaluatedTrigger[];
}

export interface EvaluatedTrigger {
  trigger: string;
  namespace: string;
  outcome: TriggerOutcome['outcome'];
  message?: string;
  interceptors: InterceptorStep[];
  params: readonly Pick<Param, 'name' | 'text'>[];
  /** As they would be created. */
  resources: ResourceObject[];
}

/** Instead of a random one: what is printed is the same each time. */
const eventId = '00000000-0000-4000-8000-000000000000';
const longestMs = 30_000;

/** Takes an event through the triggers of the listener among `objects`, as a sink does, without a cluster. */
export async function evaluate(
  objects: readonly ManifestObject[],
  event: LocalEvent,
  choice: { namespace: string; name: string | undefined },
): Promise<Evaluation> {
  const given = new Given(objects, choice.namespace);
  const seen = new Seen();
  const interceptors = new LocalInterceptors(objects, choice.namespace);
  const sink = sinkOf(given, given.listener(choice.name), { seen, interceptors });
  const [path = '/', query = ''] = event.url.split(/\?(.*)/s);
  const answer = await sink.handle({
    method: 'POST',
    path,
    query: new URLSearchParams(query),
    rawQuery: query,
    params: {},
    headers: event.headers,
    rawHeaders: Object.entries(event.headers).flat(),
    body: event.body,
    signal: AbortSignal.timeout(longestMs),
  });
  const { triggers = [], errorMessage } = JSON.parse(
    typeof answer.body === 'string' ? answer.body : '{}',
  ) as SinkAnswer;
  return {
    status: answer.status,
    ...(errorMessage === undefined ? {} : { problem: errorMessage }),
    triggers: triggers.map(({ trigger, namespace, outcome, message }) => ({
      trigger,
      namespace,
      outcome,
      ...(message === undefined ? {} : { message }),
      interceptors: interceptors.stepsOf(namespace, trigger),
      ...seen.of({ namespace, name: trigger }),
    })),
  };
}

/** What the triggers' templates were filled with, and what came of it. */
class Seen {
  readonly params = new Map<string, readonly Param[]>();
  readonly resources = new Map<string, ResourceObject[]>();

  of(trigger: TriggerName): Pick<EvaluatedTrigger, 'params' | 'resources'> {
    const key = keyOf(trigger);
    return {
      params: (this.params.get(key) ?? []).map(({ name, text }) => ({ name, text })),
      resources: this.resources.get(key) ?? [],
    };
  }

  created(trigger: TriggerName, object: ResourceObject): void {
    const key = keyOf(trigger);
    this.resources.set(key, [...(this.resources.get(key) ?? []), object]);
  }
}

interface TriggerName {
  namespace: string;
  name: string;
}

function keyOf({ namespace, name }: TriggerName): string {
  return `${namespace}/${name}`;
}

function sinkOf(
  given: Given,
  listener: EventListener,
  { seen, interceptors }: { seen: Seen; interceptors: LocalInterceptors },
): Sink {
  const { name = '', namespace = '', annotations } = listener.metadata;
  return new Sink({
    name: { namespace, name },
    listener: () => listener,
    triggers: given.triggers,
    definitions: given.definitions,
    client: interceptors,
    create: (object, { trigger }) => {
      seen.created(trigger, object);
      const { apiVersion, kind } = object;
      const name = object.metadata?.['name'];
      return Promise.resolve({ apiVersion, kind, name: typeof name === 'string' ? name : '' });
    },
    onParams: (trigger, found) => void seen.params.set(keyOf(trigger), found),
    waiting: () => 0,
    payloadValidation: annotations?.['tekton.dev/payload-validation'] !== 'false',
    handlerMs: longestMs,
    most: { events: 1, bytes: Infinity },
    newId: () => eventId,
    clock: systemClock,
    log: silentLogger,
    tell: { counted: nothing, started: nothing, outcome: nothing, done: nothing },
  });
}

function nothing(): void {
  /* An evaluation is told by what it returns. */
}

/** The objects of the files, read as a sink reads them. */
class Given {
  readonly #objects: readonly (KubeObject & { kind: TriggersKind })[];

  /** @throws CommandError for an object with fields that its kind has not, also for one that no trigger needs. */
  constructor(objects: readonly ManifestObject[], namespace: string) {
    this.#objects = objects.flatMap((given) => {
      const { kind, metadata } = given;
      if (!isTriggersKind(kind)) return [];
      const { object, errors } = decoded(kind, { ...given, metadata: { namespace, ...metadata } });
      if (errors.length > 0)
        throw new CommandError(`${kind} ${metadata.name ?? ''} is not valid: ${formatFieldErrors(errors)}`);
      return [{ ...object, kind }];
    });
  }

  /** @throws CommandError when there is none, or several and no name, and for one that admission would refuse. */
  listener(name: string | undefined): EventListener {
    const all = this.#of<EventListener>('EventListener');
    const found = name === undefined ? all : all.filter(({ metadata }) => metadata.name === name);
    const [only, ...others] = found;
    const names = all.map(({ metadata }) => metadata.name).join(', ');
    if (only === undefined)
      throw new CommandError(
        name === undefined
          ? 'no EventListener is in the files given with -f'
          : `no EventListener ${name} is in the files given with -f, only: ${names}`,
      );
    if (others.length > 0) throw new CommandError(`there are several EventListeners: give the name of one (${names})`);
    const problems = formatFieldErrors(validateEventListener(only));
    if (problems !== '') throw new CommandError(`EventListener ${only.metadata.name} is not valid: ${problems}`);
    const { metadata, ...rest } = defaultEventListener(only);
    const annotations = { ...metadata.annotations, [answerAnnotation]: 'outcome' };
    return { ...rest, metadata: { ...metadata, annotations } };
  }

  get triggers() {
    const all = this.#of<Trigger>('Trigger').map(defaultTrigger);
    return {
      find: (namespace: string, name: string) =>
        all.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
      values: () => all,
    };
  }

  get definitions() {
    const find =
      <T extends KubeObject>(kind: TriggersKind) =>
      (namespace: string | undefined, name: string): T | undefined =>
        this.#of<T>(kind).find(
          ({ metadata }) => metadata.name === name && (namespace === undefined || metadata.namespace === namespace),
        );
    return {
      binding: find<TriggerBinding>('TriggerBinding'),
      clusterBinding: (name: string) => find<TriggerBinding>('ClusterTriggerBinding')(undefined, name),
      template: find<TriggerTemplate>('TriggerTemplate'),
    };
  }

  #of<T extends KubeObject>(wanted: TriggersKind): T[] {
    return this.#objects.filter(({ kind }) => kind === wanted) as unknown as T[];
  }
}

function isTriggersKind(kind: string | undefined): kind is TriggersKind {
  return kind !== undefined && Object.hasOwn(forms, kind);
}
