import type { EventListener, Trigger } from '../../api/triggers/objects.ts';
import { answerAnnotation } from '../../api/triggers/outcome-event.ts';
import { calledOff, type Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import type { Logger } from '../../log.ts';
import { canonicalHeader, headerValue, type Header } from '../resolve/header.ts';
import { acceptedCloudEvent, answered, isCloudEvent, type SinkAnswer } from './answer.ts';
import { runChain, type InterceptorClient, type Passing } from './chain.ts';
import type { ReceivedEvent } from './event.ts';
import { EventBody } from './event-body.ts';
import { Room, type Amount } from './room.ts';
import { selectOne, selectTriggers, type Selected, type SelectedGroup, type TriggerLookup } from './select.ts';
import { runTrigger, type Create, type Definitions, type TriggerMeans, type TriggerOutcome } from './trigger.ts';

export interface SinkOptions {
  listener: () => EventListener | undefined;
  name: { namespace: string; name: string };
  triggers: TriggerLookup;
  definitions: Definitions;
  client: InterceptorClient;
  create: Create;
  /** Creations that wait since the API server throttles. */
  waiting: () => number;
  payloadValidation: boolean;
  /** How long an answer may wait for its triggers, ms. */
  handlerMs: number;
  /** Events, and bytes of events, that may be in work; further ones are refused until some are done. */
  most: Amount;
  /** The same for all listeners of a process together. */
  room?: Room;
  newId: () => string;
  clock: Pick<Clock, 'sleep'>;
  log: Logger;
  tell: Telling;
  /** Told what each trigger's template is filled with. */
  onParams?: TriggerMeans['onParams'];
}

/** Who is told what happens to events. */
export interface Telling {
  counted: (status: 'succeeded' | 'failed') => void;
  started: (event: ReceivedEvent) => void;
  /** Of each trigger. */
  outcome: (listener: EventListener, event: ReceivedEvent, outcome: TriggerOutcome) => void;
  done: (listener: EventListener, event: ReceivedEvent) => void;
}

/** What an event begins with at a trigger, and what breaks it off. */
interface Way {
  start: Passing;
  signal: AbortSignal;
}

/** Takes events of one EventListener. */
export class Sink {
  readonly #options: SinkOptions;
  readonly #working = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  readonly #rooms: readonly Room[];

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#rooms = [new Room(options.most), ...(options.room ? [options.room] : [])];
  }

  /** Answers a request: as upstream at once, or after its triggers where the listener says so. */
  async handle(request: ServerRequest): Promise<ServerAnswer> {
    const { listener: find, newId, tell, name } = this.#options;
    const header = canonicalHeader(request.headers);
    const listener = find();
    if (listener === undefined) {
      tell.counted('failed');
      return { status: 500 };
    }
    const about: SinkAnswer = {
      eventListener: name.name,
      namespace: name.namespace,
      eventListenerUID: listener.metadata.uid ?? '',
      eventID: newId(),
    };
    const content = this.#full(about, request.body) ?? this.#contentOf(about, request.body);
    if (!(content instanceof EventBody)) {
      tell.counted('failed');
      return content;
    }
    const event = receivedEvent(request, header, { id: about.eventID ?? '', content });
    return this.#accept(listener, event, about);
  }

  /** Takes a time of a Trigger's schedule through it; nothing where the listener does not select it. */
  async fire(trigger: Trigger, event: ReceivedEvent): Promise<TriggerOutcome[]> {
    const { listener: find, triggers, tell } = this.#options;
    const listener = find();
    if (listener === undefined) return [];
    const selected = selectOne(listener, triggers, trigger);
    if (selected.triggers.length + selected.groups.length === 0) return [];
    tell.started(event);
    return this.#track(this.#runAll(listener, event, selected), event.body.length);
  }

  /** Resolves when everything that was accepted is done, or after `graceMs`, when it is broken off. */
  async end(graceMs: number): Promise<void> {
    const off = new AbortController();
    const late = this.#options.clock.sleep(graceMs, off.signal).then(
      () => this.#ending.abort(new Error('the sink ends')),
      () => undefined,
    );
    while (this.#working.size > 0 && !this.#ending.signal.aborted)
      await Promise.race([Promise.allSettled([...this.#working]), late]);
    off.abort();
  }

  #full(about: SinkAnswer, body: Buffer): ServerAnswer | undefined {
    if (this.#rooms.every((room) => room.hasFor(body.length))) return undefined;
    const errorMessage = `${this.#working.size} events are waiting to be worked on; send this one again later`;
    return answered(503, { ...about, errorMessage }, { 'retry-after': '5' });
  }

  /** What an event's body says, or why it is refused. */
  #contentOf({ eventListener, namespace = '' }: SinkAnswer, body: Buffer): EventBody | ServerAnswer {
    const content = EventBody.of(body);
    const { parsed, json } = content;
    if (!this.#options.payloadValidation || (typeof json === 'object' && !Array.isArray(json))) return content;
    const problem = parsed.ok ? 'it is no JSON object' : parsed.problem;
    const errorMessage = `Invalid event body format: ${problem}`;
    return answered(400, { eventListener, namespace, eventListenerUID: '', errorMessage });
  }

  async #accept(listener: EventListener, event: ReceivedEvent, about: SinkAnswer): Promise<ServerAnswer> {
    const { tell, handlerMs, clock, waiting } = this.#options;
    const selected = selectTriggers(listener, this.#options.triggers);
    tell.started(event);
    tell.counted('succeeded');
    const work = this.#track(this.#runAll(listener, event, selected), event.body.length);
    const isWaiting = waiting() > 0 ? { waiting: waiting() } : {};
    if (listener.metadata.annotations?.[answerAnnotation] !== 'outcome')
      return isCloudEvent(event.header)
        ? acceptedCloudEvent({ ...about, ...isWaiting })
        : answered(202, { ...about, ...isWaiting });
    const off = new AbortController();
    const late = clock.sleep(handlerMs, off.signal).then(
      () => undefined,
      () => undefined,
    );
    const triggers = await Promise.race([work, late]);
    off.abort(calledOff);
    if (triggers === undefined) return { status: 503, body: 'EventListener Timeout!\n' };
    const body = { ...about, triggers };
    return isCloudEvent(event.header) ? acceptedCloudEvent(body) : answered(202, body);
  }

  async #track<T>(work: Promise<T>, bytes: number): Promise<T> {
    for (const room of this.#rooms) room.take(bytes);
    this.#working.add(work);
    try {
      return await work;
    } finally {
      this.#working.delete(work);
      for (const room of this.#rooms) room.give(bytes);
    }
  }

  async #runAll(listener: EventListener, event: ReceivedEvent, selected: Selected): Promise<TriggerOutcome[]> {
    const start: Passing = { body: event.content, header: event.header, extensions: {} };
    const { tell, name } = this.#options;
    // Its own for each event: a signal looks through all who listen whenever one more does.
    const signal = AbortSignal.any([this.#ending.signal]);
    const missing = selected.missing.map((each): TriggerOutcome => ({
      trigger: each.name,
      namespace: name.namespace,
      outcome: 'failed',
      message: each.problem,
    }));
    const told = (outcome: TriggerOutcome): TriggerOutcome => {
      tell.outcome(listener, event, outcome);
      return outcome;
    };
    const outcomes = await Promise.all([
      ...selected.triggers.map(async (trigger) => [told(await this.#run(trigger, event, { start, signal }))]),
      ...selected.groups.map(async (group) => (await this.#runGroup(group, event, { start, signal })).map(told)),
    ]);
    tell.done(listener, event);
    return [...missing.map(told), ...outcomes.flat()];
  }

  #run(trigger: Selected['triggers'][number], event: ReceivedEvent, { start, signal }: Way): Promise<TriggerOutcome> {
    const { client, definitions, create, newId, name, onParams } = this.#options;
    const means = { client, definitions, create, newId, onParams, listener: name, signal };
    return runTrigger(trigger, event, start, means).catch((error: unknown) => ({
      trigger: trigger.name,
      namespace: trigger.namespace,
      outcome: 'failed' as const,
      message: messageOf(error),
    }));
  }

  /** Its triggers get the headers and extensions that the group's interceptors made, and the body as it came. */
  async #runGroup(group: SelectedGroup, event: ReceivedEvent, { start, signal }: Way): Promise<TriggerOutcome[]> {
    const { client, name } = this.#options;
    const { namespace } = name;
    const triggerId = `namespaces/${namespace}/triggerGroups/${group.name}`;
    const chain = { uses: group.interceptors, triggerId, namespace, listenerNamespace: namespace };
    const result = await runChain(chain, event, start, { client, signal });
    if (result.kind !== 'passed') {
      const { message } = result;
      const outcome = result.kind;
      return [
        {
          trigger: group.name,
          namespace,
          outcome,
          message,
          ...(result.kind === 'stopped' ? { interceptor: result.interceptor } : {}),
        },
      ];
    }
    const passing = { ...result.event, body: start.body };
    return Promise.all(group.triggers.map((trigger) => this.#run(trigger, event, { start: passing, signal })));
  }
}

const formType = 'application/x-www-form-urlencoded';

function receivedEvent(
  request: ServerRequest,
  header: Header,
  { id, content }: Pick<ReceivedEvent, 'id' | 'content'>,
): ReceivedEvent {
  const { path, query, body } = request;
  const search = query.toString();
  return {
    id,
    url: search === '' ? path : `${path}?${search}`,
    header,
    body,
    content: formOf(header, content) ?? content,
  };
}

/** A form of several fields is worked on as a map of lists, as upstream makes of it. */
function formOf(header: Header, { isObject, text }: EventBody): EventBody | undefined {
  // JSON with an ampersand in it is no form, whatever a client's default type says.
  if (headerValue(header, 'Content-Type') !== formType || isObject) return undefined;
  const form = new URLSearchParams(text);
  const names = [...new Set(form.keys())];
  if (names.length <= 1) return undefined;
  return new EventBody(JSON.stringify(Object.fromEntries(names.map((name) => [name, form.getAll(name)]))));
}
