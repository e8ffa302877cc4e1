import { readFileSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { apiVersionOf } from '../kube/object.ts';
import { CommandError } from './command.ts';
import { text, toggle } from './flags.ts';
import type { FlagValues } from './flags.ts';
import { compileJsonPath, JsonPathError } from '../jsonpath/template.ts';
import { objectName } from './kinds.ts';
import { yamlText } from './yaml.ts';

const FORMATS = ['json', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file', 'name', 'yaml'];

export const outputFlags = {
  output: text(`Output format. One of: ${FORMATS.join('|')} (those of jsonpath as jsonpath=TEMPLATE)`, {
    short: 'o',
    offer: { words: FORMATS },
  }),
  template: text('The template of an output of jsonpath (a file for jsonpath-file), where -o has none.'),
  'allow-missing-template-keys': toggle('If true, a field or key that is missing is no error of a template.', {
    initial: true,
  }),
  'show-managed-fields': toggle('If true, keep the managedFields when printing objects in JSON or YAML format.'),
};

export type OutputFlags = FlagValues<typeof outputFlags>;
const GO_TEMPLATES = ['go-template', 'go-template-file', 'template', 'templatefile'];

/** How objects are printed; undefined for the command's own text. */
export type Printer = (value: KubeObject | KubeObjectList) => string | Promise<string>;

interface KubeObjectList {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string };
  items: KubeObject[];
}

/**
 * Reads --output before anything is asked of the cluster. @throws CommandError naming the format and the ones there
 * are.
 */
export function printerOf(flags: OutputFlags, resource: Resource): Printer | undefined {
  const { output } = flags;
  const shown = (value: KubeObject | KubeObjectList) =>
    flags['show-managed-fields'] ? value : withoutManagedFields(value);
  const [format, written] = split(output, '=');
  refuseGoTemplate(flags, format);
  const template = written ?? flags.template;
  const allowMissingKeys = flags['allow-missing-template-keys'];
  switch (written === undefined ? output.toLowerCase() : templateFormat(output, format)) {
    case '':
      return undefined;
    case 'json':
      return (value) => `${JSON.stringify(shown(value), undefined, 4)}\n`;
    case 'yaml':
      return (value) => yamlText(shown(value));
    case 'name':
      return (value) =>
        ('items' in value ? value.items : [value])
          .map((item) => `${objectName(resource, item.metadata.name ?? '')}\n`)
          .join('');
    case 'jsonpath':
      return jsonPathPrinter(template, { asJson: false, allowMissingKeys });
    case 'jsonpath-as-json':
      return jsonPathPrinter(template, { asJson: true, allowMissingKeys });
    case 'jsonpath-file':
      return jsonPathPrinter(templateIn(template), { asJson: false, allowMissingKeys });
    default:
      throw new CommandError(
        `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: ${FORMATS.join(',')}`,
      );
  }
}

/** Only formats of jsonpath have a template behind them; elsewhere it makes the whole an unknown format. */
function templateFormat(output: string, format: string): string {
  return format.startsWith('jsonpath') ? format : output;
}

/** Both sides of the first separator; the whole alone when there is none. */
function split(whole: string, separator: string): [string, string?] {
  const at = whole.indexOf(separator);
  return at === -1 ? [whole] : [whole.slice(0, at), whole.slice(at + 1)];
}

/** A template without a format is one of Go, as kubectl's. */
function refuseGoTemplate({ output, template }: OutputFlags, format: string): void {
  if (!GO_TEMPLATES.includes(format) && (output !== '' || template === '')) return;
  throw new CommandError(
    "templates of Go are not supported: write -o jsonpath=TEMPLATE, for example -o jsonpath='{.metadata.name}', or -o json for a program such as jq",
  );
}

function jsonPathPrinter(template: string, options: { asJson: boolean; allowMissingKeys: boolean }): Printer {
  if (template === '')
    throw new CommandError('template format specified but no template given: write -o jsonpath=TEMPLATE');
  const print = readJsonPath(() => compileJsonPath(template, options));
  return (value) => readJsonPath(() => print(value));
}

function readJsonPath<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof JsonPathError ? new CommandError(error.message) : error;
  }
}

function templateIn(file: string): string {
  if (file === '') return '';
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`error reading jsonpath-file ${file}: ${messageOf(error)}`);
  }
}

/** A typed list object of these items, its members in the order in which kubectl and tkn print them. */
export function listObject<T extends KubeObject>(
  resource: Resource<T>,
  { items, resourceVersion }: { items: T[]; resourceVersion: string },
): KubeObjectList {
  const type = { kind: resource.kind, apiVersion: apiVersionOf(resource) };
  return {
    ...type,
    kind: `${resource.kind}List`,
    metadata: { resourceVersion },
    items: items.map((item) => ({ ...type, ...item })),
  };
}

function withoutManagedFields(value: KubeObject | KubeObjectList): KubeObject | KubeObjectList {
  if ('items' in value) return { ...value, items: value.items.map((item) => withoutManagedFields(item)) };
  const { managedFields: _dropped, ...metadata } = value.metadata;
  return { ...value, metadata };
}
