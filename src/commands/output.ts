import type { KubeObject, Resource } from '../kube/object.ts';
import { apiVersionOf } from '../kube/object.ts';
import { CommandError } from './command.ts';
import { text, toggle } from './flags.ts';
import { compileJsonPath, JsonPathError } from './jsonpath.ts';
import { objectName } from './kinds.ts';

export const outputFlags = {
  output: text('Output format. One of: json|yaml|name|jsonpath=TEMPLATE', { short: 'o' }),
  'show-managed-fields': toggle('If true, keep the managedFields when printing objects in JSON or YAML format.'),
};

/** How objects are printed; undefined for the command's own text. */
export type Printer = (value: KubeObject | KubeObjectList) => string | Promise<string>;

interface KubeObjectList {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string };
  items: KubeObject[];
}

/** Reads --output before anything is asked of the cluster. @throws CommandError naming the format and the ones there are. */
export function printerOf(flags: { output: string; 'show-managed-fields': boolean }, resource: Resource): Printer | undefined {
  const { output } = flags;
  const shown = (value: KubeObject | KubeObjectList) => (flags['show-managed-fields'] ? value : withoutManagedFields(value));
  if (output === '') return undefined;
  if (output === 'json') return (value) => `${JSON.stringify(shown(value), undefined, 4)}\n`;
  // Loaded by those who ask for it.
  if (output === 'yaml') return async (value) => (await import('yaml')).stringify(shown(value), { lineWidth: 0 });
  if (output === 'name') return (value) => ('items' in value ? value.items : [value]).map((item) => `${objectName(resource, item.metadata.name ?? '')}\n`).join('');
  if (output.startsWith('jsonpath=')) return jsonPathPrinter(output.slice('jsonpath='.length));
  throw new CommandError(`unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,yaml,name,jsonpath=TEMPLATE`);
}

function jsonPathPrinter(template: string): Printer {
  if (template === '') throw new CommandError('template format specified but no template given: write -o jsonpath=TEMPLATE');
  try {
    return compileJsonPath(template);
  } catch (error) {
    throw error instanceof JsonPathError ? new CommandError(error.message) : error;
  }
}

/** A typed list object of these items. */
export function listObject<T extends KubeObject>(resource: Resource<T>, items: T[]): KubeObjectList {
  return { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List`, metadata: {}, items };
}

function withoutManagedFields(value: KubeObject | KubeObjectList): KubeObject | KubeObjectList {
  if ('items' in value) return { ...value, items: value.items.map((item) => withoutManagedFields(item) as KubeObject) };
  const { managedFields: _dropped, ...metadata } = value.metadata;
  return { ...value, metadata };
}
