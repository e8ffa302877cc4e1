import { spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { tool } from './binaries.ts';
import { down } from './down.ts';
import { messageOf } from '../../src/errors.ts';
import { say } from '../progress.ts';
import { checkName, instanceNames, readInstance, statePath, type Instance } from './instance.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import { loadImage } from './load.ts';
import { withLock } from '../lock.ts';
import { inNamespace } from './network.ts';
import { partNamed } from './parts.ts';
import { addSecondMachine, removeSecondMachine } from './second-machine.ts';
import { statusOf, statusTable } from './status.ts';
import { stopPart } from './supervise.ts';
import { startPart, up } from './up.ts';

const USAGE = `usage: hack/cluster COMMAND [--name NAME]      (NAME: $TEKTITE_CLUSTER or "tektite")
  up [--control-plane]     start what does not run; --control-plane: etcd and API server alone, on loopback
  down                     stop it and remove every trace
  status [--json]          how each part does; exit status 1 when one is unwell
  kubeconfig               print the path of the administrator's kubeconfig
  load PATH [--as IMAGE] [--pull]
                           put an OCI layout (folder or tar) or "docker save" tar into the cluster's registry
  add-node, remove-node    a second node beside the first, for what needs two
  stop PART, restart PART  stop or restart one part, such as kube-apiserver
  exec COMMAND...          run a command in the cluster's network namespace
  tool NAME                print the path of a built program (kubectl, helm, crane, ctr ...), building it first
  list                     names of the clusters on this machine`;

const OPTIONS = {
  name: { type: 'string' },
  'control-plane': { type: 'boolean' },
  json: { type: 'boolean' },
  as: { type: 'string' },
  pull: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Raised for a wrong command line: answered with the usage. */
class UsageError extends Error {}

interface Invocation {
  readonly name: string;
  readonly values: Values;
  readonly positionals: string[];
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Returns the exit status. */
const COMMANDS: Readonly<Record<string, (invocation: Invocation) => Promise<number>>> = {
  async up({ name, values }) {
    await locked(name, () => up(name, values['control-plane'] ? 'control-plane' : 'full'));
    return 0;
  },
  async down({ name }) {
    say((await locked(name, () => down(name))) ? `cluster ${name} is gone` : `there is no cluster ${name}`);
    return 0;
  },
  async status({ name, values }) {
    const status = await statusOf(await existing(name));
    answer(values.json ? JSON.stringify(status, null, 2) : statusTable(status));
    return status.healthy ? 0 : 1;
  },
  async kubeconfig({ name }) {
    return answer(kubeconfigPath(await existing(name), 'admin'));
  },
  async load({ name, values, positionals }) {
    const path = operand(positionals, 'PATH');
    return answer(await loadImage(await existing(name), resolve(path), { as: values.as, pull: values.pull }));
  },
  async 'add-node'({ name }) {
    const instance = await existing(name);
    return answer(await locked(name, () => addSecondMachine(instance)));
  },
  async 'remove-node'({ name }) {
    const instance = await existing(name);
    await locked(name, () => removeSecondMachine(instance));
    return 0;
  },
  async stop({ name, positionals }) {
    const instance = await existing(name);
    await locked(name, () => stopPart(instance, partNamed(instance, operand(positionals, 'PART'))));
    return 0;
  },
  async restart({ name, positionals }) {
    const instance = await existing(name);
    const part = partNamed(instance, operand(positionals, 'PART'));
    await locked(name, async () => {
      await stopPart(instance, part);
      await startPart(instance, part);
    });
    return 0;
  },
  async tool({ positionals }) {
    return answer(await tool(operand(positionals, 'NAME')));
  },
  async list() {
    return answer((await instanceNames()).join('\n'));
  },
};

async function main([command = 'help', ...rest]: string[]): Promise<number> {
  if (command === 'exec') return execute(rest);
  const { values, positionals } = parseArgs({ args: rest, options: OPTIONS, allowPositionals: true });
  if (values.help || ['help', '--help', '-h'].includes(command)) return answer(USAGE);
  const run = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (run === undefined) throw new UsageError(`there is no command ${JSON.stringify(command)}`);
  return run({ name: checkName(values.name ?? clusterFromEnvironment()), values, positionals });
}

function clusterFromEnvironment(): string {
  return process.env['TEKTITE_CLUSTER'] ?? 'tektite';
}

/** One command at a time changes a cluster. */
function locked<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withLock(`${statePath(name)}.lock`, work);
}

/** Everything after `exec` belongs to the command, so the name comes from the environment. */
async function execute(words: string[]): Promise<number> {
  const instance = await existing(checkName(clusterFromEnvironment()));
  const [command, ...args] = inNamespace(instance, words[0] === '--' ? words.slice(1) : words);
  if (command === undefined) throw new UsageError('exec needs a command');
  const env = { ...process.env, KUBECONFIG: kubeconfigPath(instance, 'admin') };
  return new Promise((resolve, reject) => {
    spawn(command, args, { stdio: 'inherit', env })
      .once('error', reject)
      .once('exit', (code) => resolve(code ?? 1));
  });
}

async function existing(name: string): Promise<Instance> {
  const instance = await readInstance(name);
  if (instance === undefined)
    throw new Error(`there is no cluster ${name}: make it with "hack/cluster up --name ${name}"`);
  return instance;
}

function operand(positionals: string[], what: string): string {
  const [first, ...others] = positionals;
  if (first === undefined || others.length > 0) throw new UsageError(`give one ${what}`);
  return first;
}

function answer(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

process.env['PATH'] = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  say(`hack/cluster: ${messageOf(error)}${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = usage ? 2 : 1;
}
