import { open } from 'node:fs/promises';
import type { Param } from '../../api/pipeline/v1/params.ts';
import { messageOf } from '../../errors.ts';
import { CommandError } from '../command.ts';
import type { RemoteFlags } from '../bundle/registry-flags.ts';
import type { Context } from '../command.ts';
import type { Definition, DefinitionKind } from './definition.ts';

/** What etcd takes of one object, with room for comments. */
const MOST_BYTES = 3 * 1024 * 1024;

/** The one object in a local or remote YAML file. @throws CommandError naming the file. */
export async function readObjectFile(context: Context, location: string): Promise<Record<string, unknown>> {
  if (!/\.ya?ml$/.test(location))
    throw new CommandError(`invalid file format for ${location}: .yaml or .yml file extension and format required`);
  const text = /^https?:\/\//.test(location)
    ? await fetched(context, 'http', [{ name: 'url', value: location }])
    : await readText(location);
  return onlyObject(location, text);
}

/** The definition in a file (`--filename`). @throws CommandError naming the file and the field. */
export async function definitionIn(context: Context, location: string, kind: DefinitionKind): Promise<Definition> {
  return asDefinition(location, await readObjectFile(context, location), kind);
}

/** A definition in an OCI bundle, and how its registry is talked to. */
export interface Bundled {
  image: string;
  name: string;
  kind: DefinitionKind;
  flags: RemoteFlags;
}

/**
 * The definition of this name in an OCI bundle (`--image`), with the credentials of the flags or of this machine's
 * docker config. @throws CommandError naming what the image lacks
 */
export async function definitionInBundle({ signal }: Context, wanted: Bundled): Promise<Definition> {
  const { image, name, flags } = wanted;
  const kind = wanted.kind.toLowerCase();
  const [{ bundleReference, withRepository }, { readBundle }] = await Promise.all([
    import('../bundle/registry.ts'),
    import('../bundle/read.ts'),
  ]);
  const reference = bundleReference(image);
  const objects = await withRepository({ image: reference, access: 'pull', flags, signal }, (repository) =>
    readBundle(repository, reference, image, signal),
  );
  const found = objects.find((object) => object.kind === kind && object.name === name);
  if (!found) throw new CommandError(`could not find object in image with kind: ${kind} and name: ${name}`);
  return asDefinition(image, found.content as Record<string, unknown>, wanted.kind);
}

async function fetched({ environment, signal }: Context, resolver: string, params: Param[]): Promise<string> {
  const { localResolvers } = await import('../remote/local.ts');
  const resolvers = await localResolvers(process.env, environment.clock);
  try {
    return (await resolvers.resolve(resolver, params, signal)).data.toString('utf8');
  } catch (error) {
    signal.throwIfAborted();
    throw new CommandError(messageOf(error));
  } finally {
    await resolvers.close();
  }
}

async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const buffer = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.toString('utf8', 0, length);
      length += bytesRead;
      if (length > MOST_BYTES) throw new CommandError(`${file} is larger than ${MOST_BYTES} bytes`);
    }
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(`failed to read ${file}: ${messageOf(error)}`);
  }
}

async function onlyObject(location: string, text: string): Promise<Record<string, unknown>> {
  const { readManifests } = await import('../validate/manifest.ts');
  const { manifests, problems } = readManifests(location, text);
  const [problem] = problems;
  if (problem) throw new CommandError(`${location}:${problem.position.line}: ${problem.message}`);
  const [manifest] = manifests;
  if (!manifest || manifests.length > 1)
    throw new CommandError(`${location} holds ${manifests.length} objects; one is wanted`);
  return manifest.object;
}

const everyFeature = {
  'enable-api-fields': 'alpha',
  'enable-param-enum': 'true',
  'enable-cel-in-whenexpression': 'true',
  'enable-artifacts': 'true',
  'enable-step-actions': 'true',
};

async function asDefinition(
  location: string,
  object: Record<string, unknown>,
  kind: DefinitionKind,
): Promise<Definition> {
  if (object['kind'] !== kind)
    throw new CommandError(`${location} holds a ${String(object['kind'])}; a ${kind} is wanted`);
  const [{ checkObject }, { parseDefaults }, { parseFeatureFlags }] = await Promise.all([
    import('../validate/check.ts'),
    import('../../api/config/config-defaults.ts'),
    import('../../api/config/feature-flags.ts'),
  ]);
  // Which features are on is the cluster's to say: here everything is allowed that any cluster allows.
  const { flags } = parseFeatureFlags(everyFeature);
  const result = checkObject(object, { flags, defaults: parseDefaults(undefined).defaults });
  if (!result?.checked)
    throw new CommandError(
      `${location}: ${result?.errors[0]?.message ?? `apiVersion ${String(object['apiVersion'])} has no ${kind}`}`,
    );
  const [error] = result.errors;
  if (error) throw new CommandError(`${location}: ${error.path}: ${error.message}`);
  return { kind, name: result.checked.name, spec: result.checked.spec } as Definition;
}
