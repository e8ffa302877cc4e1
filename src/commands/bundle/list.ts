import { command, CommandError, type Command } from '../command.ts';
import { toggle } from '../flags.ts';
import type { KubeObject } from '../../kube/object.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { outputFlags, printerOf } from '../output.ts';
import type { ReadObject } from './read.ts';
import { remoteFlags } from './registry-flags.ts';

const resources = {
  task: tasks,
  pipeline: pipelines,
  stepaction: { group: 'tekton.dev', version: 'v1beta1', plural: 'stepactions', kind: 'StepAction', namespaced: true },
} as const;
type Kind = keyof typeof resources;

/** `tkn bundle list`: what a bundle holds, all of it, of a kind, or one object. */
export const listBundle: Command = command({
  names: ['list'],
  summary: "List and print a Tekton bundle's contents",
  usage: 'REFERENCE [KIND [NAME]]',
  examples:
    'Everything in a bundle:\n\n    tektite bundle list registry.example.com/team/catalog:1.0\n\nOne Task as it is:\n\n    tektite bundle list registry.example.com/team/catalog:1.0 task build -o yaml',
  arguments: { least: 1, most: 3 },
  needsCluster: false,
  flags: {
    ...outputFlags,
    'no-cache': toggle('read the bundle from its registry (it always is)'),
    ...remoteFlags,
  },
  async run({ terminal, signal }, flags, [name = '', kindGiven, wanted]) {
    const [{ bundleReference, withRepository }, { readBundle }] = await Promise.all([
      import('./registry.ts'),
      import('./read.ts'),
    ]);
    const image = bundleReference(name);
    const kind = kindGiven === undefined ? undefined : kindOf(kindGiven);
    const found = await withRepository({ image, access: 'pull', flags, signal }, (repository) =>
      readBundle(repository, image, name, signal),
    );
    const shown = kind === undefined ? found : ofKind(found, kind, wanted);
    const output = flags.output === '' ? 'name' : flags.output;
    for (const [index, object] of shown.entries()) {
      const print = printerOf({ ...flags, output }, resources[object.kind]);
      const separator = output.toLowerCase() === 'yaml' && index > 0 ? '---\n' : '';
      terminal.out(`${separator}${(await print?.(object.content as KubeObject)) ?? ''}`);
    }
    return 0;
  },
});

/** @throws CommandError when there is none of the kind, or of the name where one is wanted. */
function ofKind(found: readonly ReadObject[], kind: Kind, wanted: string | undefined): readonly ReadObject[] {
  const all = found.filter((object) => object.kind === kind);
  if (all.length === 0) throw new CommandError(`no objects of kind ${kind} found in img`);
  if (wanted === undefined) return all;
  const named = all.filter((object) => object.name === wanted);
  if (named.length === 0) throw new CommandError(`no objects of kind ${kind} named ${wanted} found in img`);
  return named;
}

/** As Kind, resource or in the bundle's own form: Task, tasks, task. */
function kindOf(given: string): Kind {
  const kind = given.toLowerCase().replace(/s$/, '');
  if (Object.hasOwn(resources, kind)) return kind as Kind;
  throw new CommandError(`second argument ${given} is not a valid kind: ${JSON.stringify(Object.keys(resources))}`);
}
