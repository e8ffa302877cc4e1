import type { Condition, ObjectMeta } from '../../api/meta.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { annotations as known } from '../../core/labels.ts';
import { DurationError, formatDuration, parseDuration } from '../../duration.ts';
import { age, duration, nothing } from './age.ts';
import type { Heading, Style } from './colour.ts';
import { statusText, workspaceText } from './values.ts';

/** Name, namespace, the fields that have a value, labels and annotations. */
export function header(metadata: ObjectMeta, fields: readonly [string, string | undefined][], style: Style): string[] {
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([name]) => name !== known.lastApplied),
  );
  return [
    `${style.bold('Name')}:\t${metadata.name ?? ''}`,
    `${style.bold('Namespace')}:\t${metadata.namespace ?? ''}`,
    ...fields.flatMap(([name, value]) => (value ? [`${style.bold(name)}:\t${value}`] : [])),
    ...pairs('Labels', metadata.labels ?? {}, style),
    ...pairs('Annotations', annotations, style),
  ];
}

function pairs(title: string, entries: Record<string, string>, style: Style): string[] {
  const names = Object.keys(entries).sort();
  return names.length > 0 ? [`${style.bold(title)}:`, ...names.map((name) => ` ${name}=${entries[name]}`)] : [];
}

/** An empty line, a heading, an empty line and the lines; nothing without lines. */
export function section(kind: Heading, title: string, lines: readonly string[], style: Style): string[] {
  return lines.length > 0 ? ['', style.heading(kind, title), '', ...lines] : [];
}

export interface TableHead {
  kind: Heading;
  title: string;
  /** Names of the columns, with tabs between them. */
  columns: string;
}

/** A section that is a table: nothing without rows. */
export function table({ kind, title, columns }: TableHead, rows: readonly string[], style: Style): string[] {
  return section(kind, title, rows.length > 0 ? [columns, ...rows] : [], style);
}

/** NAME and VALUE of params or results. */
export function valueTable(
  kind: 'params' | 'results',
  entries: readonly { name: string; value: unknown }[] | undefined,
  print: (value: unknown) => string,
  style: Style,
): string[] {
  const rows = (entries ?? []).map(({ name, value }) => ` ${style.bullet(name)}\t${print(value)}`);
  const title = kind === 'params' ? 'Params' : 'Results';
  return table({ kind, title, columns: ' NAME\tVALUE' }, rows, style);
}

interface RunTimes {
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
}

/** When a run started, how long it took and how it stands, as one row. */
export function started(status: RunTimes | undefined, now: Date, style: Style): string {
  return [
    age(status?.startTime, now),
    duration(status?.startTime, status?.completionTime),
    statusText(status?.conditions, style),
  ].join('\t');
}

export function workspaceSection(workspaces: readonly WorkspaceBinding[] | undefined, style: Style): string[] {
  const rows = (workspaces ?? []).map(
    (binding) => ` ${style.bullet(binding.name)}\t${binding.subPath || nothing}\t${workspaceText(binding)}`,
  );
  const columns = ' NAME\tSUB PATH\tWORKSPACE BINDING';
  return table({ kind: 'workspaces', title: 'Workspaces', columns }, rows, style);
}

/** A timeout as Go prints it ("60m" is "1h0m0s"); what is no duration is shown as it stands. */
export function timeoutText(value: string): string {
  try {
    return formatDuration(parseDuration(value));
  } catch (error) {
    if (error instanceof DurationError) return value;
    throw error;
  }
}
