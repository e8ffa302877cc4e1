/**
 * `node hack/deploy/main.ts [--context NAME [--registry ADDRESS]] [--set KEY=VALUE]...`: installs the present sources
 * into a cluster. A failure is one line with the way out, and exit status 1.
 */
import { parseArgs } from 'node:util';
import { failureLine } from './failure.ts';
import { install, type Values } from './install.ts';
import { pickCluster } from './pick-cluster.ts';

async function deploy(): Promise<void> {
  const { values } = parseArgs({
    options: {
      context: { type: 'string' },
      kubeconfig: { type: 'string' },
      registry: { type: 'string' },
      cluster: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const chartValues = chartValuesOf(values.set);
  const { context, kubeconfig, registry, cluster } = values;
  await install(await pickCluster({ context, kubeconfig, registry, ownCluster: cluster }), chartValues);
}

function chartValuesOf(pairs: readonly string[]): Values {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error(`--set ${JSON.stringify(pair)}: write KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

try {
  await deploy();
} catch (error) {
  if (process.env['TEKTITE_VERBOSE'] === '1') console.error(error);
  console.error(`hack/deploy: ${failureLine(error)}`);
  process.exitCode = 1;
}
