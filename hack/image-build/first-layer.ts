/**
 * Writes the lowest layer of an OCI layout to stdout: what dockerfile.sh takes for the base image. Usage:
 * first-layer.ts LAYOUT
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf, manifestDescriptor, type Descriptor } from './oci.ts';

const layout = process.argv[2];
if (layout === undefined) throw new Error('usage: first-layer.ts LAYOUT');
const blob = (digest: string): string => join(layout, 'blobs/sha256', hexOf(digest));
const manifest = JSON.parse(await readFile(blob((await manifestDescriptor(layout)).digest), 'utf8')) as {
  layers: Descriptor[];
};
process.stdout.write(await readFile(blob(manifest.layers[0]?.digest ?? '')));
