import type { TriggerBinding, TriggerTemplate } from '../../api/triggers/objects.ts';
import type { TriggerResult } from '../../api/triggers/outcome-event.ts';
import type { Binding, Template, TriggerTemplateSpec } from '../../api/triggers/spec.ts';
import { messageOf } from '../../errors.ts';
import { resolveParams, type BindingParam, type Param } from '../resolve/bindings.ts';
import { ResolveError } from '../resolve/error.ts';
import { fillTemplates, type ResourceObject } from '../resolve/template.ts';
import { runChain, type InterceptorClient, type Passing } from './chain.ts';
import { named, type ReceivedEvent } from './event.ts';
import type { SelectedTrigger } from './select.ts';

/** What became of one trigger. */
export interface TriggerOutcome {
  trigger: string;
  namespace: string;
  outcome: TriggerResult;
  /** Why, where it created nothing, or not all. */
  message?: string;
  interceptor?: string;
  created?: CreatedResource[];
}

export interface CreatedResource {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  /** An earlier delivery of the event made it. */
  isRepeated?: true;
}

/** What a trigger refers to. Each is undefined when it is not there. */
export interface Definitions {
  binding: (namespace: string, name: string) => TriggerBinding | undefined;
  clusterBinding: (name: string) => TriggerBinding | undefined;
  template: (namespace: string, name: string) => TriggerTemplate | undefined;
}

/** Creates objects; `index` counts those of one trigger. Rejects with a message for users. */
export type Create = (
  object: ResourceObject,
  by: { trigger: SelectedTrigger; index: number; event: ReceivedEvent },
) => Promise<CreatedResource>;

export interface TriggerMeans {
  client: InterceptorClient;
  definitions: Definitions;
  create: Create;
  signal: AbortSignal;
  listener: { namespace: string; name: string };
  newId: () => string;
  /** Told what the template is filled with. */
  onParams?: ((trigger: SelectedTrigger, params: readonly Param[]) => void) | undefined;
}

/** Takes an event through one trigger. Never throws but for the signal. */
export async function runTrigger(
  trigger: SelectedTrigger,
  event: ReceivedEvent,
  start: Passing,
  means: TriggerMeans,
): Promise<TriggerOutcome> {
  const { name, namespace, spec } = trigger;
  const who = { trigger: name, namespace };
  const chain = {
    uses: spec.interceptors ?? [],
    triggerId: `namespaces/${namespace}/triggers/${name}`,
    namespace,
    listenerNamespace: means.listener.namespace,
  };
  const result = await runChain(chain, event, start, means);
  if (result.kind === 'failed') return { ...who, outcome: 'failed', message: result.message };
  if (result.kind === 'stopped')
    return { ...who, outcome: 'stopped', interceptor: result.interceptor, message: result.message };
  const created: CreatedResource[] = [];
  try {
    const objects = objectsOf(trigger, event, result.event, means);
    for (const [index, object] of objects.entries())
      created.push(await means.create(object, { trigger, index, event }));
    return { ...who, ...outcomeOf(created) };
  } catch (error) {
    means.signal.throwIfAborted();
    return { ...who, outcome: 'failed', message: messageOf(error), ...(created.length > 0 ? { created } : {}) };
  }
}

/** An event that was taken before creates only what is missing: often nothing. */
function outcomeOf(created: CreatedResource[]): Pick<TriggerOutcome, 'outcome' | 'message' | 'created'> {
  if (created.length === 0 || created.some(({ isRepeated }) => !isRepeated)) return { outcome: 'created', created };
  const names = created.map(({ kind, name }) => `${kind} ${name}`).join(', ');
  return { outcome: 'repeated', message: `this event was taken before: it made ${names}`, created };
}

function objectsOf(
  trigger: SelectedTrigger,
  event: ReceivedEvent,
  { body, header, extensions }: Passing,
  { definitions, listener, newId, onParams }: TriggerMeans,
): ResourceObject[] {
  const { name, namespace, spec } = trigger;
  const template = templateOf(spec.template ?? {}, namespace, definitions);
  const params = (spec.bindings ?? []).flatMap((binding) => paramsOf(binding, namespace, definitions));
  const parsed = body.text === '' ? { ok: true as const, value: undefined } : body.parsed;
  if (!parsed.ok) throw new ResolveError(`failed to unmarshal request body: ${parsed.problem}`);
  const declared = (template.params ?? []).map((param) => ({ name: param.name ?? '', default: param.default }));
  const values = resolveParams(params, declared, { body: parsed.value, header, extensions, eventId: event.id });
  onParams?.(trigger, values);
  return fillTemplates(template.resourcetemplates ?? [], values, newId()).map((object) => {
    const place = object.metadata?.['namespace'] ?? namespace;
    return named({ ...object, metadata: { ...object.metadata, namespace: place } }, event, {
      listener: listener.name,
      trigger: name,
    });
  });
}

function templateOf({ ref, spec }: Template, namespace: string, { template }: Definitions): TriggerTemplateSpec {
  if (spec !== undefined) return spec;
  const found = template(namespace, ref ?? '');
  if (found === undefined)
    throw new ResolveError(
      `error getting TriggerTemplate ${ref}: triggertemplate.triggers.tekton.dev "${ref}" not found in namespace ${namespace}`,
    );
  return found.spec ?? {};
}

function paramsOf(binding: Binding, namespace: string, definitions: Definitions): BindingParam[] {
  const { ref = '', kind, name = '', value = '' } = binding;
  if (ref === '') return [{ name, value }];
  const isCluster = kind === 'ClusterTriggerBinding';
  const found = isCluster ? definitions.clusterBinding(ref) : definitions.binding(namespace, ref);
  if (found === undefined)
    throw isCluster
      ? noBinding(`ClusterTriggerBinding ${ref}: it is not there`)
      : noBinding(`TriggerBinding ${ref}: it is not there, in namespace ${namespace}`);
  return (found.spec?.params ?? []).map((param) => ({ name: param.name ?? '', value: param.value ?? '' }));
}

function noBinding(which: string): ResolveError {
  return new ResolveError(`error getting ${which}, or this sink may not read it`);
}
