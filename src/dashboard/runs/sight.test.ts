import { describe, expect, it } from 'vitest';
import { RefusedError } from '../refusal.ts';
import type { Wish } from './access.ts';
import type { Scope } from './index.ts';
import { Sight } from './sight.ts';

const caller = { headers: [], own: false, key: 'somebody' };

/** One who may list these, as `pipelineruns shop`; `pipelineruns ` is everywhere. */
function sightOf(...rights: string[]): Sight {
  return new Sight({
    may: (_caller: unknown, { resource, namespace }: Wish) =>
      Promise.resolve(rights.includes(`${resource} ${namespace}`)),
  });
}

const scopes: Scope[] = ['shop', 'core'].flatMap((namespace) => [
  { kind: 'PipelineRun' as const, namespace },
  { kind: 'TaskRun' as const, namespace },
]);
const everything = ['pipelineruns ', 'taskruns '];

describe('what a caller sees', () => {
  it.each<[string, string[], string[]]>([
    ['with all rights', everything, ['PipelineRun shop', 'TaskRun shop', 'PipelineRun core', 'TaskRun core']],
    ['with rights on one kind everywhere', ['taskruns '], ['TaskRun shop', 'TaskRun core']],
    ['with rights in one namespace', ['pipelineruns shop', 'taskruns shop'], ['PipelineRun shop', 'TaskRun shop']],
    ['with none', [], []],
  ])('%s', async (_name, rights, expected) => {
    const maySee = await sightOf(...rights).seen(caller, scopes);
    expect(scopes.filter(maySee).map(({ kind, namespace }) => `${kind} ${namespace}`)).toEqual(expected);
  });

  it('has to be named where there is too much to ask about', async () => {
    const many = Array.from({ length: 1_001 }, (_, at): Scope => ({ kind: 'PipelineRun', namespace: `n${at}` }));
    await expect(sightOf().seen(caller, many)).rejects.toThrow(RefusedError);
    expect((await sightOf(...everything).seen(caller, many))({ kind: 'TaskRun', namespace: 'n1' })).toBe(true);
  });
});

describe('the rights that would show more', () => {
  it.each<[string, string[], string[] | undefined, string[]]>([
    ['none, to who has all', everything, undefined, []],
    [
      'those everywhere, when no namespace is asked for',
      ['pipelineruns '],
      undefined,
      ['list taskruns.tekton.dev in all namespaces'],
    ],
    [
      'those in the namespaces that are asked for',
      ['pipelineruns shop', 'taskruns shop', 'taskruns core'],
      ['shop', 'core'],
      ['list pipelineruns.tekton.dev in namespace core'],
    ],
    ['none, where he has them', ['pipelineruns shop', 'taskruns shop'], ['shop'], []],
  ])('are %s', async (_name, rights, asked, expected) => {
    expect(await sightOf(...rights).missing(caller, asked)).toEqual(expected);
  });

  it('are asked about for the kinds that count, and no others', async () => {
    const wishes: string[] = [];
    const may = (_caller: unknown, { resource }: Wish) => {
      wishes.push(resource);
      return Promise.resolve(false);
    };
    expect(await new Sight({ may }).missing(caller, undefined, ['PipelineRun'])).toEqual([
      'list pipelineruns.tekton.dev in all namespaces',
    ]);
    expect(wishes).toEqual(['pipelineruns']);
  });
});
