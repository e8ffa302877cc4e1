import { typeOfParamSpec } from '../../api/pipeline/v1/param-type.ts';
import type { Param, ParamSpec, ParamValue } from '../../api/pipeline/v1/params.ts';
import { CommandError } from '../command.ts';

/** What params are read against: the definition's, and how to speak of it ("Pipeline build"). */
export interface ParamSource {
  title: string;
  specs: readonly ParamSpec[];
}

/**
 * Params from `--param` flags in tkn's syntax: "name=text", "name=one,two" for an array, "name=key:value,key:value" for
 * an object; of several for one name the last holds. @throws CommandError naming the param.
 */
export function readParams(given: readonly string[], source: ParamSource): Param[] {
  const read = new Map<string, Param>();
  for (const text of given) {
    const { name, value } = namedValue(text);
    const spec = source.specs.find((each) => each.name === name);
    if (!spec) throw new CommandError(`param '${name}' not present in spec${known(source)}`);
    read.set(name, { name, value: valueOf(spec, value) });
  }
  return [...read.values()];
}

/** Name and value of one `--param`. @throws CommandError */
export function namedValue(text: string): { name: string; value: string } {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  if (name === '')
    throw new CommandError(`invalid input format for param parameter: ${text}: write --param name=value`);
  return { name, value: text.slice(equals + 1) };
}

/** One value as it is typed. @throws CommandError naming the param. */
export function valueOf(spec: ParamSpec, text: string): ParamValue {
  const type = typeOfParamSpec(spec);
  switch (type) {
    case 'string':
      if (spec.enum && !spec.enum.includes(text))
        throw new CommandError(
          `param '${spec.name}' has the value ${JSON.stringify(text)}, which is none of: ${spec.enum.join(', ')}`,
        );
      return text;
    case 'array':
      return text === '' ? [] : text.split(',');
    case 'object':
      return objectOf(spec.name, text);
    default:
      throw new CommandError(`param '${spec.name}' has the type ${JSON.stringify(type satisfies never)}`);
  }
}

function objectOf(name: string, text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((field) => {
      const colon = field.indexOf(':');
      if (colon === -1)
        throw new CommandError(
          `invalid input format for param parameter: ${name}=${text}: an object is written --param ${name}="key1:value1, key2:value2"`,
        );
      return [field.slice(0, colon).trim(), field.slice(colon + 1).trim()];
    }),
  );
}

/** The values of an earlier run with new ones in place of or beside them, by name (tkn's order) when any is new. */
export function mergeParams(earlier: readonly Param[], given: readonly Param[]): Param[] {
  if (given.length === 0) return [...earlier];
  const merged = new Map([...earlier, ...given].map((param) => [param.name, param]));
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A value as it would be typed after "name=". */
export function typedText(value: ParamValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(',');
  return Object.entries(value)
    .map(([key, text]) => `${key}:${text}`)
    .join(',');
}

function known({ title, specs }: ParamSource): string {
  return specs.length === 0
    ? `: ${title} has no params`
    : `: the params of ${title} are ${specs.map(({ name }) => name).join(', ')}`;
}
