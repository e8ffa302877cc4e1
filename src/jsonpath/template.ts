import { JsonPathError, parseTemplate, type Part } from './parse.ts';
import { select, type SelectOptions } from './select.ts';

export { JsonPathError } from './parse.ts';

export interface TemplateOptions extends Partial<SelectOptions> {
  /** Prints the values of each path as a list of JSON, instead of parted by a space. */
  asJson?: boolean;
}

/**
 * Reads a template of kubectl's JSONPath (parse.ts). The function that comes of it prints a value's parts as kubectl
 * does.
 * @throws JsonPathError when the template is none; the function, where a path meets what it is not made for.
 */
export function compileJsonPath(template: string, options: TemplateOptions = {}): (value: unknown) => string {
  const print = options.asJson ? asJson : asText;
  const find = named(template, 'error parsing jsonpath', () => compileResults(template, options));
  return (value) =>
    named(template, 'error executing jsonpath', () => find(value).map(print).join(''), 'Error executing template: ');
}

/**
 * The values that each part of a template finds, unprinted; the values of a text are the text. @throws JsonPathError
 */
export function compileResults(template: string, options: TemplateOptions = {}): (value: unknown) => unknown[][] {
  const parts = parseTemplate(template);
  const { allowMissingKeys = true } = options;
  return (value) => results(parts, value, { allowMissingKeys });
}

function results(parts: readonly Part[], value: unknown, options: SelectOptions): unknown[][] {
  return parts.flatMap((part) => {
    switch (part.kind) {
      case 'text':
        return [[part.text]];
      case 'path':
        return [select(part.path, value, options)];
      case 'range':
        return select(part.path, value, options).flatMap((item) => results(part.body, item, options));
    }
  });
}

function named<T>(template: string, doing: string, work: () => T, why = ''): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    throw new JsonPathError(`${doing} ${JSON.stringify(template)}: ${why}${error.message}`, { cause: error });
  }
}

function asText(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
}

function asJson(values: readonly unknown[]): string {
  return `${JSON.stringify(values, undefined, 4)}\n`;
}
