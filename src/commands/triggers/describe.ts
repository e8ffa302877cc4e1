import type { EventListener, TriggerBinding, TriggerTemplate } from '../../api/triggers/objects.ts';
import type { Binding, InterceptorUse, ListenerTrigger } from '../../api/triggers/spec.ts';
import { messageOf } from '../../errors.ts';
import type { KubeObject } from '../../resource.ts';
import { command, CommandError, namesInTurn, type Command, type Context } from '../command.ts';
import { shortened } from '../definitions.ts';
import { outputFlags, printerOf } from '../output.ts';
import { nothing } from '../text/age.ts';
import type { Style } from '../text/colour.ts';
import { alignColumns } from '../text/columns.ts';
import { table } from '../text/sections.ts';
import { yamlText } from '../yaml.ts';
import {
  clusterTriggerBindingKind,
  eventListenerKind,
  nameOf,
  triggerBindingKind,
  triggerTemplateKind,
  type TriggersKind,
} from './kind.ts';

/** `eventlistener describe` and the others. */
function describeTriggersCommand<T extends KubeObject>(
  kind: TriggersKind<T>,
  describe: (object: T, style: Style) => string[] | Promise<string[]>,
): Command {
  const { resource, title } = kind;
  return command({
    names: ['describe', 'desc'],
    summary: `Describes ${/^[EO]/.test(title) ? 'an' : 'a'} ${title}${resource.namespaced ? ' in a namespace' : ''}`,
    usage: '[NAME]',
    examples: `Describe ${title} 'foo':\n\n    tektite ${title.toLowerCase()} describe foo`,
    offers: namesInTurn(resource),
    flags: outputFlags,
    async run(context, flags, [given]) {
      const isUrl = kind.title === eventListenerKind.title && flags.output.toLowerCase() === 'url';
      const printer = isUrl ? undefined : printerOf(flags, resource);
      const name = await nameOf(context, kind, given);
      const object = await read(context, kind, name);
      if (isUrl) context.terminal.out(`${urlOf(object)}\n`);
      else if (printer) context.terminal.out(await printer(object));
      else context.terminal.out(alignColumns([...(await describe(object, context.style)), ''].join('\n')));
      return 0;
    },
  });
}

async function read<T extends KubeObject>(context: Context, kind: TriggersKind<T>, name: string): Promise<T> {
  const { cluster, namespace, signal } = context;
  try {
    return await cluster.get(kind.resource, namespace, name, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const hasPlace = kind.resource.namespaced && kind.title !== eventListenerKind.title;
    const place = hasPlace ? ` from ${namespace} namespace` : '';
    throw new CommandError(`failed to get ${kind.title} ${name}${place}: ${messageOf(error)}`);
  }
}

function urlOf(listener: EventListener): string {
  const url = listener.status?.address?.url;
  if (!url) throw new CommandError(`url of EventListener ${listener.metadata.name} not available yet`);
  return url;
}

function head({ metadata }: KubeObject, style: Style): string[] {
  const { name = '', namespace = '' } = metadata;
  return [`${style.bold('Name')}:\t${name}`, `${style.bold('Namespace')}:\t${namespace}`];
}

function bindingParams({ spec }: TriggerBinding, style: Style): string[] {
  const rows = (spec?.params ?? []).map(({ name = '', value = '' }) => ` ${style.bullet(name)}\t${value}`);
  return table({ kind: 'params', title: 'Params', columns: ' NAME\tVALUE' }, rows, style);
}

export const describeTriggerBinding = describeTriggersCommand(triggerBindingKind, (binding, style) => [
  ...head(binding, style),
  ...bindingParams(binding, style),
]);

export const describeClusterTriggerBinding = describeTriggersCommand(clusterTriggerBindingKind, (binding, style) => [
  // It is in no namespace.
  ...head(binding, style).slice(0, 1),
  ...bindingParams(binding, style),
]);

export const describeTriggerTemplate = describeTriggersCommand<TriggerTemplate>(
  triggerTemplateKind,
  (template, style) => {
    const { params = [], resourcetemplates = [] } = template.spec ?? {};
    return [
      ...head(template, style),
      ...table(
        { kind: 'params', title: 'Params', columns: ' NAME\tDESCRIPTION\tDEFAULT VALUE' },
        params.map(
          (param) =>
            ` ${style.bullet(param.name ?? '')}\t${shortened(param.description)}\t${param.default === undefined ? nothing : param.default}`,
        ),
        style,
      ),
      '',
      style.heading('resources', 'ResourceTemplates'),
      '',
      ' NAME\tGENERATENAME\tKIND\tAPIVERSION',
      ...resourcetemplates.map((resource) => ` ${resourceCells(resource, style).join('\t')}`),
    ];
  },
);

function resourceCells(resource: unknown, style: Style): string[] {
  const {
    metadata = {},
    kind = '',
    apiVersion = '',
  } = (resource ?? {}) as {
    metadata?: { name?: string; generateName?: string };
    kind?: string;
    apiVersion?: string;
  };
  return [style.bullet(metadata.name || nothing), metadata.generateName || nothing, kind, apiVersion];
}

export const describeEventListener = describeTriggersCommand<EventListener>(
  eventListenerKind,
  async (listener, style) => {
    const { serviceAccountName, resources, triggers = [] } = listener.spec ?? {};
    const fields: [string, string | undefined][] = [
      ['Service Account', serviceAccountName],
      ['Service Type', resources?.kubernetesResource?.serviceType],
      ['URL', listener.status?.address?.url],
      // tkn's spelling: scripts look for it.
      ['EventListnerServiceName', listener.status?.configuration?.generatedName],
    ];
    const described = await Promise.all(triggers.map((trigger) => describeTrigger(trigger, style)));
    return [
      ...head(listener, style),
      ...fields.flatMap(([name, value]) => (value ? [`${style.bold(name)}:\t${value}`] : [])),
      ...(described.length > 0 ? ['', ...described.flat()] : []),
    ];
  },
);

async function describeTrigger(trigger: ListenerTrigger, style: Style): Promise<string[]> {
  const { name, bindings = [], template, triggerRef, serviceAccountName, interceptors = [] } = trigger;
  const single = (title: string, value: string | undefined): string[] =>
    value ? [` ${title}`, ` ${style.bullet(value)}`, ' '] : [];
  return [
    style.bold('EventListenerTriggers'),
    '',
    ...(name ? [' NAME', ` ${style.bullet(name)}`, ''] : []),
    ...bindingLines(bindings, style),
    ...(template?.ref === undefined
      ? []
      : [' TEMPLATE REF\tAPIVERSION', ` ${style.bullet(template.ref)}\t${template.apiversion ?? ''}`, ' ']),
    ...single('TRIGGER REF', triggerRef),
    ...single('SERVICE ACCOUNT NAME', serviceAccountName),
    ...(interceptors.length > 0 ? [' INTERCEPTORS', await interceptorText(interceptors)] : []),
  ];
}

function bindingLines(bindings: readonly Binding[], style: Style): string[] {
  if (bindings.length === 0) return [];
  const refs = bindings.filter(({ ref }) => ref);
  const values = bindings.filter(({ name }) => name);
  return [
    ' BINDINGS',
    '',
    ...(refs.length > 0
      ? [
          '  REF\tKIND\tAPIVERSION',
          ...refs.map(({ ref = '', kind = '', apiversion = '' }) => `  ${style.bullet(ref)}\t${kind}\t${apiversion}`),
          '',
        ]
      : []),
    ...(values.length > 0
      ? ['  NAME\tVALUE', ...values.map(({ name = '', value = '' }) => `  ${style.bullet(name)}\t${value}`), '']
      : []),
  ];
}

/** Go's struct has `ref` always. */
function interceptorText(interceptors: readonly InterceptorUse[]): Promise<string> {
  return yamlText(interceptors.map((use) => ({ ...use, ref: use.ref ?? {} })));
}
