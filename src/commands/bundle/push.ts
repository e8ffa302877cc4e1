import { readFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { command, CommandError, type Command, type Context } from '../command.ts';
import { text, texts } from '../flags.ts';
import { remoteFlags } from './registry-flags.ts';

/** `tkn bundle push`: definitions as an image that the bundles resolver reads. */
export const pushBundle: Command = command({
  names: ['push'],
  summary: 'Create or replace a Tekton bundle',
  usage: 'REFERENCE',
  examples:
    'Push the definitions of a file, as whoever "docker login" logged in:\n\n    tektite bundle push registry.example.com/team/catalog:1.0 -f task.yaml\n\nOf standard input:\n\n    cat *.yaml | tektite bundle push registry.example.com/team/catalog:1.0 -f -',
  arguments: { least: 1, most: 1 },
  needsCluster: false,
  flags: {
    filenames: texts('Files of YAML or JSON with the definitions of this bundle; - is standard input', { short: 'f' }),
    annotate: texts('OCI Manifest annotation in the form of key=value. Can be provided multiple times'),
    label: texts('OCI Config label in the form of key=value. Can be provided multiple times'),
    ctime: text(
      'YYYY-MM-DD, YYYY-MM-DDTHH:MM:SS or RFC3339 formatted created time (default: now), UTC if it names no zone',
    ),
    ...remoteFlags,
  },
  async run(context, flags, [name = '']) {
    const { terminal, environment, signal } = context;
    const [{ objectsIn }, { bundleImage }, { bundleReference, withRepository }] = await Promise.all([
      import('./contents.ts'),
      import('./image.ts'),
      import('./registry.ts'),
    ]);
    const image = bundleReference(name);
    if (image.digest !== undefined)
      throw new CommandError(`${name} is a digest, which what is pushed decides: write a tag`);
    const options = {
      annotations: pairsOf('annotate', flags.annotate),
      labels: pairsOf('label', flags.label),
      created: flags.ctime === '' ? environment.clock.now() : timeOf(flags.ctime),
    };
    const objects = objectsIn(await filesOf(flags.filenames, context));
    const built = bundleImage(objects, options);
    terminal.out('Creating Tekton Bundle:\n');
    for (const object of objects) terminal.out(`\t- Added ${object.kind}: ${object.name} to image\n`);
    await withRepository({ image, access: 'push', flags, signal }, async (repository) => {
      for (const blob of built.blobs) await repository.pushBlob(blob, signal);
      await repository.putManifest(image.reference, { bytes: built.manifest, mediaType: built.mediaType }, signal);
    });
    const { createHash } = await import('node:crypto');
    const digest = createHash('sha256').update(built.manifest).digest('hex');
    const host = image.host === 'docker.io' ? 'index.docker.io' : image.host;
    terminal.out(`\nPushed Tekton Bundle to ${host}/${image.repository}@sha256:${digest}\n`);
    return 0;
  },
});

async function filesOf(names: readonly string[], { terminal, signal }: Context) {
  const files: { name: string; text: string }[] = [];
  for (const name of names) {
    if (name === '-') {
      const lines: string[] = [];
      for await (const line of terminal.lines(signal)) lines.push(line);
      if (lines.length === 0) throw new CommandError('failed to read bundle contents from stdin: it is empty');
      files.push({ name: 'standard input', text: lines.join('\n') });
      continue;
    }
    const content = await readFile(name, { encoding: 'utf8', signal }).catch((error: unknown) => {
      throw new CommandError(`failed to find and read file ${name}: ${messageOf(error)}`);
    });
    files.push({ name, text: content });
  }
  return files;
}

function pairsOf(flag: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new CommandError(`--${flag} ${JSON.stringify(pair)} is not in the form of key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function timeOf(given: string): Date {
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/.exec(given);
  const time = new Date(form?.[1] !== undefined && form[3] === undefined ? `${given}Z` : given);
  if (form === null || Number.isNaN(time.getTime()))
    throw new CommandError(
      `unable to parse creation time ${JSON.stringify(given)}: write YYYY-MM-DD, YYYY-MM-DDTHH:MM:SS or RFC3339`,
    );
  return time;
}
