import { parse } from 'yaml';
import { imageManifestTypes, type ImageManifest } from '../../registry/media-types.ts';
import type { ImageReference } from '../../registry/reference.ts';
import type { Repository } from '../../registry/repository.ts';
import { bundleAnnotations, definitionIn, largestLayer, layersOf } from '../../resolvers/bundles/layout.ts';
import { ResolutionError } from '../../resolvers/resolver.ts';
import { CommandError } from '../command.ts';

export interface ReadObject {
  kind: 'task' | 'pipeline' | 'stepaction';
  name: string;
  content: unknown;
}

const manifestLimit = 1024 * 1024;

/** What a bundle holds, in its order. @throws CommandError for an image that is none; RegistryError */
export async function readBundle(
  repository: Repository,
  image: ImageReference,
  name: string,
  signal: AbortSignal,
): Promise<ReadObject[]> {
  const options = { accept: imageManifestTypes, limit: manifestLimit };
  const { bytes } = await repository.getManifest(image.reference, signal, options);
  try {
    const layers = layersOf(JSON.parse(bytes.toString('utf8')) as ImageManifest, name);
    const objects: ReadObject[] = [];
    for (const { digest, annotations } of layers) {
      const kind = annotations?.[bundleAnnotations.kind];
      if (kind !== 'task' && kind !== 'pipeline' && kind !== 'stepaction')
        throw new CommandError(
          `layer ${digest} of ${name} has the kind ${JSON.stringify(kind)}, which is not Tekton's`,
        );
      const layer = definitionIn(await repository.getBlob(digest, signal, largestLayer), name);
      const content: unknown = parse(layer.toString('utf8'), { uniqueKeys: true, maxAliasCount: 100 });
      objects.push({ kind, name: annotations?.[bundleAnnotations.name] ?? '', content });
    }
    return objects;
  } catch (error) {
    if (error instanceof ResolutionError) throw new CommandError(error.message);
    throw error;
  }
}
