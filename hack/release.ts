/**
 * `npm run release [-- OUTPUT]`: renders the chart into the one file that `kubectl apply --server-side -f` installs:
 * namespace, CRDs, roles, ConfigMaps and the controller. Default output: dist/release.yaml.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { command, root, succeeds } from './command.ts';
import { progress } from './progress.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { set: { type: 'string', multiple: true, default: [] } },
});
const output = path.resolve(root, positionals[0] ?? 'dist/release.yaml');
const helm = (await succeeds('helm', 'version'))
  ? 'helm'
  : (await command(['hack/cluster', 'tool', 'helm'], { show: true })).trim();
const set = ['namespace.create=true', ...values.set].flatMap((pair) => ['--set', pair]);
const rendered = await command([
  helm,
  'template',
  'tektite',
  'config/chart',
  '--namespace',
  'tekton-pipelines',
  ...set,
]);
await mkdir(path.dirname(output), { recursive: true });
await writeFile(output, rendered);
progress(`wrote ${path.relative(root, output)}: kubectl apply --server-side -f ${path.relative(root, output)}`);
