/**
 * `npm test`: what every change must pass, from the type check to the end-to-end tests on a real node. All stages run
 * even when one fails; the last line counts them. The stages on servers wait a good deal, for pods and for time to
 * pass: they run beside each other, and what needs no server has the processors when they have not.
 * TEKTITE_STAGES=unit,lint runs only some, `npm test -- PART-OF-A-PATH ...` only those test files.
 */
import { TOOL_NAMES, tools } from './one-node/binaries.ts';
import { chromiumPrograms, installedBrowser } from './verify/browsers.ts';
import { promtool } from './verify/promtool.ts';
import { check, goTests, named, run, summaryOf, totalOf, vitest, type Counts } from './verify/stage.ts';

interface Stage {
  name: string;
  /** Waits for nothing, and is nice to those that do. */
  isBehind?: true;
  run: () => Promise<Counts>;
}

/** Go's collector takes a fifth of an API server's time, and of helm's and kubectl's; memory there is enough. */
process.env['GOGC'] ??= '400';

const wanted = process.env['TEKTITE_STAGES']?.split(',');

/** They measure time, or take minutes for what seldom changes: npm run test:long. */
const long = ['cluster', 'load'];

function isWanted(stage: string): boolean {
  return wanted === undefined ? !long.includes(stage) : wanted.includes(stage);
}

/** Everything, in lanes that end together; less than that on one node. */
const isWhole = wanted === undefined && process.argv.length === 2;

const cluster = process.env['TEKTITE_CLUSTER'] ?? 'tektite-test';
/** The node of the examples, where the end-to-end tests run beside them. */
const secondCluster = isWanted('e2e') ? `${cluster}-ex` : cluster;
/** Files of the longer rows of stages that the first takes over. */
const takenOver = {
  e2e: isWhole ? ['triggers', 'nested', 'task-settings', 'commands'].map((name) => `test/e2e/${name}.test.ts`) : [],
  integration: isWhole ? ['canary', 'kube-restart'].map((name) => `test/integration/${name}.test.ts`) : [],
};

const failed: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Runs tests on a cluster of this name, which is taken down again if it was brought up here. */
async function onCluster(
  name: string,
  flags: readonly string[],
  tests: (kubeconfig: string) => Promise<Counts>,
): Promise<Counts> {
  const isThere = (await run(['hack/cluster', 'status', '--name', name])).status === 0;
  try {
    if ((await run(['hack/cluster', 'up', ...flags, '--name', name])).status !== 0) return failed;
    const { stdout } = await run(['hack/cluster', 'kubeconfig', '--name', name]);
    return await tests(stdout.trim());
  } finally {
    if (!isThere && process.env['TEKTITE_KEEP_CLUSTER'] !== '1') await run(['hack/cluster', 'down', '--name', name]);
  }
}

interface Files {
  /** Those that npm test was given unless set; empty: all. */
  files?: readonly string[];
  except?: readonly string[];
}

function onNode(project: string, name: string, { files, except = [] }: Files = {}): Promise<Counts> {
  const env = { TEKTITE_CLUSTER: name, TEKTITE_TEST_EXCEPT: except.join(',') };
  return onCluster(name, [], (kubeconfig) => vitest(project, { ...env, KUBECONFIG: kubeconfig }, files));
}

function onControlPlane(name: string, { files, except = [] }: Files = {}): Promise<Counts> {
  const env = { TEKTITE_TEST_CONTROL_PLANE: name, TEKTITE_TEST_EXCEPT: except.join(',') };
  return onCluster(name, ['--control-plane'], (kubeconfig) =>
    vitest('integration', { ...env, TEKTITE_TEST_KUBECONFIG: kubeconfig }, files),
  );
}

/** Programs that tests use are built or installed before them: that takes longer than any test may. */
async function build(): Promise<Counts> {
  await tools(TOOL_NAMES);
  await promtool();
  for (const program of chromiumPrograms) await installedBrowser(program);
  return { passed: 1, failed: 0, skipped: 0 };
}

/** First of all, and alone: what the others start. */
const before: Stage[] = [{ name: 'build', run: build }];

/** How nice the stages are that wait for nothing. */
const BEHIND = 5;

/** What is taken over, on clusters of its own. */
const takingOver: Stage[] = [
  { name: 'integration-2', run: () => onControlPlane(`${cluster}-api2`, { files: takenOver.integration }) },
  { name: 'e2e-2', run: () => onNode('e2e', secondCluster, { files: takenOver.e2e }) },
];

/** Rows of stages, each in its order, beside each other. */
const lanes: Stage[][] = [
  [
    { name: 'types', isBehind: true, run: () => check('npm', 'run', '--silent', 'check:types') },
    { name: 'lint', isBehind: true, run: () => check('sh', 'hack/lint.sh') },
    { name: 'crds', isBehind: true, run: () => check(process.execPath, 'hack/crds.ts', '--check') },
    { name: 'entrypoint', isBehind: true, run: () => goTests('src/entrypoint') },
    { name: 'cel', isBehind: true, run: () => goTests('src/entrypoint/cel') },
    { name: 'signer', isBehind: true, run: () => goTests('src/entrypoint/spire') },
    { name: 'unit', isBehind: true, run: () => vitest('unit') },
    { name: 'chains', isBehind: true, run: () => vitest('chains') },
    { name: 'conformance', run: () => onNode('conformance', secondCluster) },
    ...(isWhole ? takingOver : []),
  ],
  [{ name: 'integration', run: () => onControlPlane(`${cluster}-api`, { except: takenOver.integration }) }],
  [{ name: 'e2e', run: () => onNode('e2e', cluster, { except: takenOver.e2e }) }],
];

/** Last, and alone: what measures time. */
const after: Stage[] = [
  { name: 'cluster', run: () => vitest('cluster') },
  { name: 'abuse', run: () => vitest('abuse') },
  { name: 'load', run: () => vitest('load') },
];

const all: Counts[] = [];
const table: string[] = [];

async function inOrder(stages: readonly Stage[]): Promise<void> {
  for (const stage of stages.filter(({ name }) => isWanted(name))) {
    console.log(`\n==> ${stage.name}`);
    const started = Date.now();
    const counts = await named(stage.name, stage.run, stage.isBehind ? BEHIND : 0).catch((error: unknown): Counts => {
      console.error(error);
      return { passed: 0, failed: 1, skipped: 0 };
    });
    const { passed, failed, skipped, retried = [] } = counts;
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    table.push(
      `${stage.name.padEnd(12)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${retried.length} tried again in ${seconds} s`,
    );
    all.push(counts);
  }
}

await inOrder(before);
await Promise.all(lanes.map(inOrder));
await inOrder(after);
const total = totalOf(all);
console.log(`\n${[...table, ...summaryOf(total)].join('\n')}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
