/**
 * `node hack/deploy/main.ts [--context NAME [--registry ADDRESS]] [--set KEY=VALUE]...`: installs the present sources
 * into a cluster.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { CommandError } from '../command.ts';
import { install } from './install.ts';
import { pickCluster } from './pick-cluster.ts';

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      context: { type: 'string' },
      kubeconfig: { type: 'string' },
      registry: { type: 'string' },
      cluster: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const chartValues = Object.fromEntries(
    values.set.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error(`--set ${JSON.stringify(pair)}: write KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  const target = await pickCluster({
    context: values.context,
    kubeconfig: values.kubeconfig,
    registry: values.registry,
    ownCluster: values.cluster,
  });
  await install(target, chartValues);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // Of a program that failed, what it said itself: helm and kubectl put it after "Error: ", last.
  const said =
    error instanceof CommandError
      ? error.output
          .trim()
          .split(/^Error: /m)
          .at(-1)
      : undefined;
  console.error(`deploy: ${said ?? messageOf(error)}`);
  process.exitCode = 1;
}
