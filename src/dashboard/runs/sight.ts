import { eachOf } from '../../concurrency.ts';
import type { Caller } from '../proxy/caller.ts';
import type { MissingRight } from '../contract.ts';
import { RefusedError } from '../refusal.ts';
import type { Access } from './access.ts';
import type { Scope } from './index.ts';

const ASKED_AT_ONCE = 16;
/** Beyond these a caller without rights in all namespaces has to say which he means. */
const MOST_SCOPES = 1_000;
/** Missing rights are told of so many namespaces. */
const MOST_TOLD = 10;
const kinds = ['PipelineRun', 'TaskRun'] as const;
const plurals = { PipelineRun: 'pipelineruns', TaskRun: 'taskruns' } as const;

/** Whose runs a caller may list, by the API server's word. */
export class Sight {
  readonly #access: Pick<Access, 'may'>;

  constructor(access: Pick<Access, 'may'>) {
    this.#access = access;
  }

  /**
   * Those of the scopes that the caller may list.
   * @throws RefusedError for wrong credentials, and for more scopes than the API server is asked about
   */
  async seen(caller: Caller, scopes: readonly Scope[]): Promise<(scope: Scope) => boolean> {
    const everywhere = await eachOf(kinds, kinds.length, (kind) => this.#mayList(caller, { kind, namespace: '' }));
    if (everywhere.every(Boolean)) return () => true;
    if (scopes.length > MOST_SCOPES)
      throw new RefusedError(
        400,
        `there are runs in ${scopes.length} places that you would have to be asked about: name namespaces with ns`,
      );
    const seen = await eachOf(scopes, ASKED_AT_ONCE, async (scope) =>
      (await this.maySee(caller, scope)) ? keyOf(scope) : '',
    );
    const keys = new Set(seen);
    return (scope) => keys.has(keyOf(scope));
  }

  /**
   * What the caller may not list of what he asks for: in the namespaces that he names, or in all of them.
   * @param of the kinds that he asks for
   */
  async missing(
    caller: Caller,
    asked: readonly string[] | undefined,
    of: readonly Scope['kind'][] = kinds,
  ): Promise<MissingRight[]> {
    const everywhere = await this.#missingIn(caller, '', of);
    if (everywhere.length === 0 || asked === undefined) return everywhere.map((plural) => rightText(plural, undefined));
    const places = asked.slice(0, MOST_TOLD);
    const found = await eachOf(places, ASKED_AT_ONCE, async (namespace) =>
      (await this.#missingIn(caller, namespace, of))
        .filter((plural) => everywhere.includes(plural))
        .map((plural) => rightText(plural, namespace)),
    );
    return found.flat();
  }

  async #missingIn(caller: Caller, namespace: string, of: readonly Scope['kind'][]): Promise<string[]> {
    const lacks = await eachOf(of, kinds.length, async (kind) =>
      (await this.#mayList(caller, { kind, namespace })) ? [] : [plurals[kind]],
    );
    return lacks.flat();
  }

  async maySee(caller: Caller, scope: Scope): Promise<boolean> {
    return (await this.#mayList(caller, { ...scope, namespace: '' })) || this.#mayList(caller, scope);
  }

  #mayList(caller: Caller, { kind, namespace }: Scope): Promise<boolean> {
    return this.#access.may(caller, { verb: 'list', group: 'tekton.dev', resource: plurals[kind], namespace });
  }
}

function keyOf({ kind, namespace }: Scope): string {
  return `${kind}/${namespace}`;
}

function rightText(plural: string, namespace: string | undefined): MissingRight {
  return `list ${plural}.tekton.dev in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`;
}
