/**
 * Which listener has which port of the shared sink. It stands in a ConfigMap beside the shared sink, where no tenant
 * writes: were it in the Services of tenants, one could take another's port and get its events.
 */

/** Ports of the shared sink's pods. The chart's NetworkPolicy opens them. */
export const portRange = { first: 20_000, last: 20_999 } as const;

/** Who has a port. */
export interface PortHolder {
  namespace: string;
  name: string;
  uid: string;
  /** ServiceAccount of the listener's namespace that it is served as. */
  account: string;
  /** The listener has pods of its own again; the port is given back a while after this time (RFC 3339). */
  leavingSince?: string;
}

export interface HeldPort {
  port: number;
  holder: PortHolder;
}

type Data = Readonly<Record<string, string>>;

/** Where the search for a free port goes on: one that was given back is given again as late as can be. */
const nextKey = 'next';
/** Names of namespaces, listeners and ServiceAccounts. */
const nameForm = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** What a ConfigMap's data say. A line that is none is nobody's, and its port stays taken. */
export function heldPorts(data: Data = {}): HeldPort[] {
  return Object.entries(data).flatMap(([key, text]) => {
    const holder = isPort(key) ? readHolder(text) : undefined;
    return holder === undefined ? [] : [{ port: Number(key), holder }];
  });
}

/** The port of a listener. */
export function portOf(data: Data | undefined, namespace: string, name: string): HeldPort | undefined {
  return heldPorts(data).find(({ holder }) => holder.namespace === namespace && holder.name === name);
}

/** The data with a port for this listener, the one it has where it has one; undefined: none is free. */
export function withPort(data: Data, holder: PortHolder): { data: Record<string, string>; port: number } | undefined {
  const port = portOf(data, holder.namespace, holder.name)?.port ?? freePort(data);
  if (port === undefined) return undefined;
  const next = port === portRange.last ? portRange.first : port + 1;
  const isNew = data[port] === undefined;
  return { data: { ...data, [port]: JSON.stringify(holder), ...(isNew ? { [nextKey]: String(next) } : {}) }, port };
}

/** The data without this listener's port; undefined: it has none. */
export function withoutPort(data: Data, namespace: string, name: string): Record<string, string> | undefined {
  const held = portOf(data, namespace, name);
  if (held === undefined) return undefined;
  const { [String(held.port)]: _its, ...others } = data;
  return others;
}

function freePort(data: Data): number | undefined {
  const next = isPort(data[nextKey] ?? '') ? Number(data[nextKey]) : portRange.first;
  const count = portRange.last - portRange.first + 1;
  for (let step = 0; step < count; step++) {
    const port = portRange.first + ((next - portRange.first + step) % count);
    if (data[port] === undefined) return port;
  }
  return undefined;
}

function isPort(key: string): boolean {
  return /^\d{5}$/.test(key) && Number(key) >= portRange.first && Number(key) <= portRange.last;
}

function readHolder(text: string): PortHolder | undefined {
  const line = parsed(text);
  const [namespace, name, account] = [line['namespace'], line['name'], line['account']];
  const [uid, leavingSince] = [line['uid'], line['leavingSince']];
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof account !== 'string') return undefined;
  if (typeof uid !== 'string' || ![namespace, name, account].every(isName)) return undefined;
  return { namespace, name, uid, account, ...(typeof leavingSince === 'string' ? { leavingSince } : {}) };
}

/** Whether it may stand in the name of a user: `system:serviceaccount:NAMESPACE:NAME`. */
export function isName(text: string): boolean {
  return nameForm.test(text);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** What a pod says that it serves: the uid of the listener by port. */
export function servedText(served: ReadonlyMap<number, string>): string {
  return JSON.stringify(Object.fromEntries(served));
}

/** The uids of the listeners that a pod says it serves, by port, as they stand there. */
export function servedBy(said: string | undefined): Readonly<Record<string, unknown>> {
  return parsed(said ?? '');
}

/** Whether a pod says that it serves this listener at this port. */
export function serves(said: string | undefined, port: number, uid: string): boolean {
  return servedBy(said)[String(port)] === uid;
}
