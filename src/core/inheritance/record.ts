/** What a rerun takes over from an earlier PipelineRun, as its status records it: later plans ask nobody again. */
export interface Inheritance {
  from: { name: string; uid: string };
  /** Names of the earlier run's claims by the workspaces that go on with them. */
  claims: ReadonlyMap<string, string>;
}

/** A line for the run, and one for each claim. Names and uids have no blanks. */
export function formatInheritance({ from, claims }: Inheritance): string {
  return [
    `run ${from.name} ${from.uid}`,
    ...[...claims].map(([workspace, claim]) => `claim ${workspace} ${claim}`),
  ].join('\n');
}

/** Undefined for a text that `formatInheritance` did not write. */
export function parseInheritance(text: string): Inheritance | undefined {
  const [first = '', ...rest] = text.split('\n');
  const run = wordsOf('run', first);
  if (run === undefined) return undefined;
  const claims = new Map<string, string>();
  for (const line of rest) {
    const claim = wordsOf('claim', line);
    if (claim === undefined) return undefined;
    claims.set(...claim);
  }
  const [name, uid] = run;
  return { from: { name, uid }, claims };
}

/** The two words that a line has behind its kind; undefined for any other line. */
function wordsOf(kind: 'run' | 'claim', line: string): [string, string] | undefined {
  const [what, first, second, ...more] = line.split(' ');
  return what === kind && first && second && more.length === 0 ? [first, second] : undefined;
}

/** Where the results of a TaskRun came from that did not run. */
export interface Origin {
  /** The TaskRun that ran: of a rerun's rerun, the first. */
  taskRun: string;
  uid: string;
  pipelineRun: string;
  /** `sha256:` of the canonical JSON of what was taken over (`takenOver`). */
  digest: string;
}

export function formatOrigin({ taskRun, uid, pipelineRun, digest }: Origin): string {
  return [taskRun, uid, pipelineRun, digest].join(' ');
}

/** Undefined for a text that `formatOrigin` did not write. */
export function parseOrigin(text: string | undefined): Origin | undefined {
  const [taskRun, uid, pipelineRun, digest, ...more] = text?.split(' ') ?? [];
  if (!taskRun || !uid || !pipelineRun || !digest || more.length > 0) return undefined;
  return { taskRun, uid, pipelineRun, digest };
}

/** The annotation of a TaskRun that may take over: the earlier TaskRun, and the uid of the PipelineRun that made it. */
export interface Source {
  taskRun: string;
  pipelineRunUid: string;
}

export function formatSource({ taskRun, pipelineRunUid }: Source): string {
  return `${taskRun} ${pipelineRunUid}`;
}

/** Undefined for a text that `formatSource` did not write. */
export function parseSource(text: string): Source | undefined {
  const [taskRun, pipelineRunUid, ...more] = text.split(' ');
  return taskRun && pipelineRunUid && more.length === 0 ? { taskRun, pipelineRunUid } : undefined;
}
