import { annotations } from '../core/labels.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { apiVersionOf } from '../kube/object.ts';
import { command, namesInTurn } from './command.ts';
import type { Command } from './command.ts';
import { yamlText } from './yaml.ts';

/** What belongs to one object in one cluster. */
const OF_THIS_OBJECT = new Set([
  'managedFields',
  'resourceVersion',
  'uid',
  'finalizers',
  'generation',
  'namespace',
  'creationTimestamp',
  'ownerReferences',
]);

/** `export`: an object as YAML that can be created again elsewhere. */
export function exportCommand(resource: Resource): Command {
  const { kind } = resource;
  const group = kind.toLowerCase();
  return command({
    names: ['export'],
    summary: `Export ${kind}`,
    usage: 'NAME',
    examples: `Make a ${kind} of namespace 'foo' again in namespace 'bar':\n\n    tektite ${group} export name -n foo | kubectl create -f- -n bar`,
    arguments: { least: 1, most: Infinity },
    offers: namesInTurn(resource),
    flags: {},
    async run({ cluster, namespace, signal, terminal }, _flags, [name = '']) {
      const object = await cluster.get(resource, namespace, name, { signal });
      terminal.out(await yamlText({ apiVersion: apiVersionOf(resource), kind, ...portable(object) }));
      return 0;
    },
  });
}

/** Without status and what the server gave; a generated name is generated anew. */
function portable(object: KubeObject): Record<string, unknown> {
  const { status: _status, spec, metadata, ...rest } = object as KubeObject & Record<string, unknown>;
  const { status: _wished, statusMessage: _why, ...kept } = (spec ?? {}) as Record<string, unknown>;
  const { [annotations.lastApplied]: _applied, ...notes } = metadata.annotations ?? {};
  const entries = Object.entries({ ...metadata, annotations: notes }).filter(
    ([name, value]) =>
      !OF_THIS_OBJECT.has(name) &&
      !(name === 'name' && metadata.generateName) &&
      !(name === 'annotations' && Object.keys(value as object).length === 0),
  );
  return { ...rest, metadata: Object.fromEntries(entries), ...(spec === undefined ? {} : { spec: kept }) };
}
