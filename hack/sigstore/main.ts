/**
 * A local Sigstore by hand, for a cluster or a person: it goes on until `stop`.
 * usage: main.ts start [--folder FOLDER] [--address ADDRESS] [--kubeconfig FILE] [--rekor-v2]   prints its URLs and
 * files as JSON
 *        main.ts stop  [--folder FOLDER]
 * With --kubeconfig Fulcio accepts that cluster's ServiceAccount tokens (audience sigstore); without, there is no
 * Fulcio. For pods, --address is the host's end of the cluster's veth pair: 198.18.0.1 for the default cluster.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../cache-folder.ts';
import { messageOf } from '../../src/errors.ts';
import { say } from '../progress.ts';
import { clusterIssuer } from './issuer.ts';
import { stopServices } from './services.ts';
import { startSigstore } from './start.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    address: { type: 'string' },
    kubeconfig: { type: 'string' },
    'rekor-v2': { type: 'boolean' },
  },
});
const folder = path.resolve(values.folder ?? path.join(cacheFolder(), 'sigstore'));

async function start(): Promise<void> {
  const issuer = values.kubeconfig === undefined ? undefined : await clusterIssuer(values.kubeconfig);
  const rekorTiles = values['rekor-v2'] ?? false;
  const started = await startSigstore({
    folder,
    address: values.address,
    issuer,
    fulcio: issuer !== undefined,
    rekor: true,
    rekorTiles,
    timestampAuthority: true,
    outlive: true,
  });
  process.stdout.write(`${JSON.stringify(started, null, 2)}\n`);
}

try {
  if (positionals[0] === 'start') await start();
  else if (positionals[0] === 'stop') await stopServices(folder);
  else throw new Error('say start or stop');
} catch (error) {
  say(`sigstore: ${messageOf(error)}`);
  process.exitCode = 1;
}
