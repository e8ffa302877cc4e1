import type {
  EventListenerSpec,
  InterceptorUse,
  ListenerTrigger,
  TriggerSpec,
  TriggerTemplateSpec,
} from '../../../api/triggers/spec.ts';
import type { Look } from '../references.ts';
import { missingAdvice, type Files } from './files.ts';
import { advice, isVariable, mentions, type Advice } from './wording.ts';

/** What there is beside a trigger. */
export interface Others {
  files: Files;
  look: Look;
}

export function listenerAdvice(spec: EventListenerSpec, others: Others): Advice[] {
  const account =
    spec.serviceAccountName ?? spec.resources?.kubernetesResource?.spec?.template?.spec?.serviceAccountName;
  return [
    ...(account
      ? []
      : [
          advice(
            'listener-account',
            'spec',
            'it runs as the account default, so that its rights would be those of every pod; set spec.serviceAccountName',
          ),
        ]),
    ...(spec.triggers ?? []).flatMap((trigger, index) => {
      const at = `spec.triggers[${index}]`;
      return [...unverified(trigger, at), ...triggerAdvice(trigger, at, others)];
    }),
    ...(spec.triggerGroups ?? []).flatMap(({ interceptors }, index) =>
      signatureAdvice(interceptors, `spec.triggerGroups[${index}]`),
    ),
  ];
}

/** A trigger that no interceptor guards: whoever reaches the listener starts it. */
function unverified({ name, triggerRef, interceptors }: ListenerTrigger, at: string): Advice[] {
  if (triggerRef || (interceptors?.length ?? 0) > 0) return [];
  const which = name ? `trigger "${name}"` : 'this trigger';
  const message = `${which} has no interceptor: whoever reaches the listener starts it; have a signature checked`;
  return [advice('unverified-events', at, message)];
}

/** A trigger of a listener, or one by itself. */
export function triggerAdvice(trigger: ListenerTrigger, at: string, { files, look }: Others): Advice[] {
  return [
    ...signatureAdvice(trigger.interceptors, at),
    ...bindingAdvice(trigger, at, look),
    ...missingAdvice('TriggerTemplate', trigger.template?.ref, `${at}.template.ref`, files),
    ...missingAdvice('Trigger', trigger.triggerRef, `${at}.triggerRef`, files),
    ...(trigger.bindings ?? []).flatMap(({ kind, ref }, index) =>
      missingAdvice(kind || 'TriggerBinding', ref, `${at}.bindings[${index}].ref`, files),
    ),
  ];
}

/** Those that can check who sent an event, and do where they are given the secret. */
const SIGNED = new Set(['bitbucket', 'github', 'gitlab', 'slack']);

function signatureAdvice(interceptors: readonly InterceptorUse[] | undefined, at: string): Advice[] {
  return (interceptors ?? []).flatMap(({ ref, params }, index) => {
    const name = ref?.name ?? '';
    if (!SIGNED.has(name) || params?.some((param) => param.name === 'secretRef')) return [];
    const message = `without secretRef ${name} takes events from everybody; give it the webhook's secret`;
    return [advice('unverified-signature', `${at}.interceptors[${index}]`, message)];
  });
}

/** What the bindings give, against what the template takes. What is not among the files is not known. */
function bindingAdvice({ bindings = [], template }: TriggerSpec, at: string, look: Look): Advice[] {
  const spec = template?.spec ?? (look('TriggerTemplate', template?.ref)?.spec as TriggerTemplateSpec | undefined);
  if (!spec) return [];
  const taken = new Set((spec.params ?? []).map(({ name }) => name));
  const given = new Set<string | undefined>();
  let allKnown = true;
  const unused = bindings.flatMap(({ name, ref, kind }, index) => {
    if (!ref) {
      given.add(name);
      if (!name || taken.has(name)) return [];
      return [advice('unused-binding', `${at}.bindings[${index}]`, `the template takes no "${name}"`)];
    }
    const found = look(kind || 'TriggerBinding', ref)?.spec as { params?: { name?: string }[] } | undefined;
    if (!found) allKnown = false;
    for (const each of found?.params ?? []) given.add(each.name);
    return [];
  });
  const missing = (spec.params ?? []).filter((each) => each.default === undefined && !given.has(each.name));
  return [
    ...unused,
    ...(allKnown ? missing : []).map(({ name }) =>
      advice('missing-binding', at, `no binding gives the template "${name}", which has no default`),
    ),
  ];
}

export function templateAdvice({ params = [], resourcetemplates = [] }: TriggerTemplateSpec): Advice[] {
  const text = JSON.stringify(resourcetemplates);
  return [
    ...params.flatMap(({ name }, index) =>
      mentions(text, 'tt.params', name ?? '')
        ? []
        : [advice('unused-param', `spec.params[${index}]`, `param "${name}" is not used`)],
    ),
    ...duplicateParams(params, 'spec'),
    ...resourcetemplates.flatMap(({ spec }, index) =>
      duplicateParams(paramsOf(spec), `spec.resourcetemplates[${index}].spec`),
    ),
    ...resourcetemplates.flatMap(({ metadata }, index) => {
      const { name } = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as { name?: unknown };
      if (typeof name !== 'string' || isVariable(name)) return [];
      const message = `the second event cannot create another ${name}; write generateName: ${name}-`;
      return [advice('fixed-run-name', `spec.resourcetemplates[${index}].metadata.name`, message)];
    }),
  ];
}

/** Nobody has checked the form of what a template makes. */
function paramsOf(spec: unknown): { name?: unknown }[] {
  const { params } = (typeof spec === 'object' && spec !== null ? spec : {}) as { params?: unknown };
  return Array.isArray(params)
    ? params.map((param: unknown) => (typeof param === 'object' && param !== null ? param : {}) as { name?: unknown })
    : [];
}

function duplicateParams(params: readonly { name?: unknown }[], at: string): Advice[] {
  const seen = new Set<string>();
  return params.flatMap(({ name }, index) => {
    if (typeof name !== 'string') return [];
    const again = seen.has(name);
    seen.add(name);
    return again ? [advice('duplicate-param', `${at}.params[${index}]`, `param "${name}" is there already`)] : [];
  });
}
