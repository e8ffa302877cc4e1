import { namespaces } from '../kube/resources.ts';
import type { Resource } from '../resource.ts';
import type { Cluster } from './cluster.ts';
import type { CommandEnvironment, Terminal } from './environment.ts';
import { text, toggle } from './flags.ts';
import type { FlagTable, FlagValues, Offer } from './flags.ts';
import type { Style } from './text/colour.ts';

/** What a running command has at hand. */
export interface Context {
  environment: CommandEnvironment;
  terminal: Terminal;
  style: Style;
  cluster: Cluster;
  namespace: string;
  /** What --context names; empty when it is not given. */
  contextName: string;
  signal: AbortSignal;
}

/** One leaf of the command tree, such as `pipelinerun list`. */
export interface Command {
  /** The first is the proper name, the others are aliases. */
  names: readonly [string, ...string[]];
  summary: string;
  /** What follows the name in the usage line. */
  usage: string;
  examples: string;
  flags: FlagTable;
  /** What a shell offers for the argument at this position (from 0). */
  offers?: ((position: number) => Offer | undefined) | undefined;
  /** For programs, not for people: no help lists it. */
  hidden?: boolean;
  arguments: { least: number; most: number };
  /** A cluster is connected to before `run`; 'optional' leaves that to the command. */
  needsCluster: boolean;
  /** @returns the exit status. @throws CommandError for what the user must know. */
  run(context: Context, values: FlagValues<FlagTable>, given: string[]): Promise<number>;
}

/** A group such as `pipelinerun`. */
export interface CommandGroup {
  names: readonly [string, ...string[]];
  summary: string;
  commands: readonly Command[];
}

/** The commands that stand in a group, and those that stand alone. */
export interface CommandTree {
  groups: readonly CommandGroup[];
  single: readonly Command[];
}

/** Ties the type of `run`'s values to the flags and then forgets it. */
export function command<T extends FlagTable>(
  definition: Omit<Command, 'flags' | 'run' | 'arguments' | 'needsCluster'> & {
    flags: T;
    arguments?: Command['arguments'];
    needsCluster?: boolean;
    run(context: Context, values: FlagValues<T>, given: string[]): Promise<number>;
  },
): Command {
  // As tkn: what follows the first argument is ignored, unless a command says otherwise.
  return { arguments: { least: 0, most: Infinity }, needsCluster: true, ...definition };
}

/** For a command whose first arguments name objects of these kinds, one each. */
export function namesInTurn(...resources: Resource[]): (position: number) => Offer | undefined {
  return (position) => {
    const resource = resources[position];
    return resource && { objects: resource };
  };
}

/** For a command that takes any number of names of one kind, or of files. */
export function repeated(offer: Offer): () => Offer {
  return () => offer;
}

/** Something the user must know: printed as "Error: ..." and turned into the exit status. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly status: number;
  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}

/** Flags that every command takes. */
export const commonFlags = {
  context: text('name of the kubeconfig context to use (default: kubectl config current-context)', { short: 'c' }),
  kubeconfig: text('kubectl config file (default: $HOME/.kube/config)', { short: 'k', offer: { files: true } }),
  namespace: text('namespace to use (default: from $KUBECONFIG)', { short: 'n', offer: { objects: namespaces } }),
  'no-color': toggle('disable coloring (default: false)', { short: 'C' }),
  nocolour: toggle('old spelling of --no-color', { hidden: true }),
  help: toggle('help for the command', { short: 'h' }),
};
