import type { Param } from '../api/pipeline/v1/params.ts';
import { parseDuration } from '../duration.ts';
import { InvalidRequest, type ConfigData, type ResolverType } from './resolver.ts';

/** Text params by name. As upstream, the last of a name counts, and lists and objects count as "". */
export class RequestParams {
  readonly #values: ReadonlyMap<string, string>;

  constructor(params: readonly Param[]) {
    this.#values = new Map(params.map(({ name, value }) => [name, typeof value === 'string' ? value : '']));
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** "" when it is missing. */
  text(name: string): string {
    return this.#values.get(name) ?? '';
  }
}

/** Go duration in a ConfigMap. @throws InvalidRequest naming map, key and value. */
export function durationSetting(configName: string, config: ConfigData, key: string, fallbackMs: number): number {
  const text = config[key];
  if (text === undefined || text === '') return fallbackMs;
  try {
    const ms = parseDuration(text.trim());
    if (ms > 0) return ms;
  } catch {
    // told below
  }
  throw new InvalidRequest(
    `${key} in ConfigMap ${configName} is ${JSON.stringify(text.slice(0, 100))}; an operator must write a duration such as "1m"`,
  );
}

/**
 * The params of a request. An address in the place of a name (`taskRef.name`, which is the request's `spec.url`) is the
 * http resolver's `url`; the others need more than an address.
 * @throws InvalidRequest
 */
export function paramsOf(type: ResolverType, params: readonly Param[], url: string | undefined): readonly Param[] {
  if (!url) return params;
  if (type !== 'http')
    throw new InvalidRequest(
      `the reference has the name ${JSON.stringify(url.slice(0, 300))} beside resolver ${type}: only resolver http takes an address in the place of its params; write the params`,
    );
  if (params.some(({ name }) => name === 'url'))
    throw new InvalidRequest("the reference has an address for a name and a param 'url': write one of them");
  return [...params, { name: 'url', value: url }];
}

export const defaultTimeoutMs = 60_000;

/** What decides an answer, as a key: names and values cannot run into each other. */
export function cacheKeyOf(...parts: readonly (string | undefined)[]): string {
  return JSON.stringify(parts.map((part) => part ?? null));
}
