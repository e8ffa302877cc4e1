/** Kinds, and where they are listed, by what upstream's addresses call them. */
const listed: ReadonlyMap<string, readonly [base: string, kind: string]> = new Map([
  ['pipelines', ['/definitions', 'Pipeline']],
  ['tasks', ['/definitions', 'Task']],
  ['stepactions', ['/definitions', 'StepAction']],
  ['customruns', ['/definitions', 'CustomRun']],
  ['eventlisteners', ['/triggers', 'EventListener']],
  ['triggers', ['/triggers', 'Trigger']],
  ['triggerbindings', ['/triggers', 'TriggerBinding']],
  ['triggertemplates', ['/triggers', 'TriggerTemplate']],
  ['interceptors', ['/triggers', 'Interceptor']],
]);

/** Where an address of Tekton's own dashboard leads here; links to those are in commit statuses and chats. */
export function fromHashRoute(hash: string): string | undefined {
  if (!hash.startsWith('#/')) return undefined;
  const [path = '', query = ''] = hash.slice(2).split('?', 2);
  const asked = new URLSearchParams(query);
  const segments = path.split('/').map(decoded);
  const [namespace, rest] = segments[0] === 'namespaces' ? [segments[1], segments.slice(2)] : [undefined, segments];
  const [kind = '', name] = rest;
  const found = listed.get(kind);
  if (found !== undefined) return objectAt(found, namespace, name);
  if (kind !== 'pipelineruns' && kind !== 'taskruns') return extensionAt(namespace, rest);
  return runAt(kind, { namespace, name }, asked);
}

/** A run, or a list of runs. */
function runAt(
  kind: 'pipelineruns' | 'taskruns',
  { namespace, name }: { namespace: string | undefined; name: string | undefined },
  asked: URLSearchParams,
): string {
  if (name === undefined || namespace === undefined) return `/runs${searchOf({ ns: namespace, ...listQuery(asked) })}`;
  const place = `/runs/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  const task = asked.get('pipelineTask');
  return `${place}${searchOf({
    kind: kind === 'taskruns' ? 'TaskRun' : undefined,
    task: task ?? undefined,
    child: asked.get('taskRunName') ?? undefined,
    step: asked.get('step') ?? undefined,
  })}`;
}

/** Kinds of Extensions: GROUP/VERSION/PLURAL, and a name. */
function extensionAt(namespace: string | undefined, rest: readonly string[]): string | undefined {
  const [group = '', version = '', plural, name] = rest;
  if (plural === undefined || !/^v\d/.test(version)) return undefined;
  return objectAt(['/extensions', `${plural}.${group}`], namespace, name);
}

function objectAt(
  [base, kind]: readonly [base: string, kind: string],
  namespace: string | undefined,
  name: string | undefined,
): string {
  if (name === undefined || namespace === undefined) return `${base}${searchOf({ kind, ns: namespace })}`;
  return `${base}/${encodeURIComponent(namespace)}/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
}

function listQuery(asked: URLSearchParams): { label?: string } {
  const selector = asked.get('labelSelector');
  return selector ? { label: selector } : {};
}

function searchOf(parts: Record<string, string | undefined>): string {
  const given = Object.entries(parts).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
