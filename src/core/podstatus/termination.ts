import { inflateRawSync } from 'node:zlib';

/** Kinds of entries in a step's termination message (src/entrypoint/CONTRACT.md); older entrypoints wrote names. */
export const entryType = { taskResult: 1, internal: 3, stepResult: 4, stepArtifacts: 5, taskArtifacts: 6 } as const;
const TYPE_NAMES: Readonly<Record<string, number>> = {
  TaskRunResult: 1,
  InternalTektonResult: 3,
  StepResult: 4,
  StepArtifactsResult: 5,
  TaskRunArtifactsResult: 6,
};

export interface TerminationEntry {
  key: string;
  value: string;
  type: number;
}

const compressedPrefix = 'tknz:';
/** A container can write 4096 bytes; what inflates to more than this is an attack on the controller's memory. */
const longestInflatedBytes = 128 * 1024;

/**
 * The entries of a termination message: the last of each key, sorted by key. Undefined when the text is something else,
 * such as the runtime's own message of why a container could not start.
 */
export function parseTerminationMessage(message: string | undefined): TerminationEntry[] | undefined {
  if (!message) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(
      message.startsWith(compressedPrefix) ? inflate(message.slice(compressedPrefix.length)) : message,
    );
  } catch {
    // Not ours: a container may have been killed before its entrypoint wrote anything.
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const entries = new Map<string, TerminationEntry>();
  for (const item of parsed as unknown[]) {
    const entry = toEntry(item);
    if (entry) entries.set(`${entry.type}/${entry.key}`, entry);
  }
  return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.type - b.type));
}

/**
 * Whether a message is ours and cannot be read: the kubelet cut it, since it shares what it keeps among all containers
 * of a pod and there are more than the controller knew of. What the step reported is lost then.
 */
export function isCutMessage(message: string | undefined): boolean {
  const isOurs = message?.startsWith('[{') === true || message?.startsWith(compressedPrefix) === true;
  return isOurs && parseTerminationMessage(message) === undefined;
}

function inflate(text: string): string {
  return inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: longestInflatedBytes }).toString('utf8');
}

function toEntry(item: unknown): TerminationEntry | undefined {
  if (item === null || typeof item !== 'object') return undefined;
  const { key, value, type } = item as { key?: unknown; value?: unknown; type?: unknown };
  const number = typeof type === 'string' ? TYPE_NAMES[type] : type;
  if (typeof key !== 'string' || typeof number !== 'number') return undefined;
  return { key, value: typeof value === 'string' ? value : '', type: number };
}

/** What the entrypoint says of the step's own run. */
export interface StepReport {
  /** RFC 3339, whole seconds: when the command started, as opposed to the container that waited before it. */
  startedAt?: string;
  /** Exit code of a command whose failure was to be ignored. */
  exitCode?: number;
  /** Skipped, Cancelled, TimeoutExceeded, TaskRunResultLargerThanAllowedLimit or TaskRunResultNotAFile. */
  reason?: string;
  /** What is behind the reason: which result, how large, how much there is room for. */
  message?: string;
}

export function stepReport(entries: readonly TerminationEntry[]): StepReport {
  const internal = new Map(
    entries.filter((entry) => entry.type === entryType.internal).map((entry) => [entry.key, entry.value]),
  );
  const report: StepReport = {};
  const started = new Date(internal.get('StartedAt') ?? '');
  if (!Number.isNaN(started.getTime())) report.startedAt = started.toISOString().replace(/\.\d+Z$/, 'Z');
  const exitCode = internal.get('ExitCode');
  if (exitCode !== undefined && /^-?\d+$/.test(exitCode)) report.exitCode = Number(exitCode);
  const reason = internal.get('Reason');
  if (reason) report.reason = reason;
  const message = internal.get('Message');
  if (message) report.message = message;
  return report;
}
