import type { Deployment, Pod } from '../kube/resources.ts';
import { isNeeded } from './places.ts';
import type { Finding, PodState, RoleState } from './report.ts';

type Container = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

const LONGEST_TEXT = 300;
const MOST_PODS = 50;
/** A restart that is longer ago is history. */
const RECENT_MS = 60 * 60_000;

/** The pods that a Deployment selects. */
export function podsOf({ metadata, spec }: Deployment, pods: readonly Pod[]): Pod[] {
  const wanted = Object.entries(spec?.selector?.matchLabels ?? {});
  if (wanted.length === 0) return [];
  return pods.filter(
    ({ metadata: { namespace, labels = {} } }) =>
      namespace === metadata.namespace && wanted.every(([label, value]) => labels[label] === value),
  );
}

export function roleOf(deployment: Deployment, pods: readonly Pod[]): RoleState {
  const { namespace = '', name = '', labels = {} } = deployment.metadata;
  return {
    namespace,
    name,
    wanted: deployment.spec?.replicas ?? 1,
    ready: deployment.status?.readyReplicas ?? 0,
    version: (labels['version'] ?? labels['app.kubernetes.io/version'] ?? '').slice(0, 100),
    pods: podsOf(deployment, pods).slice(0, MOST_PODS).map(podOf),
  };
}

function podOf({ metadata, spec, status }: Pod): PodState {
  return {
    name: metadata.name ?? '',
    isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    node: spec?.nodeName ?? '',
    started: status?.startTime ?? '',
  };
}

/** What is wrong about a role, by itself. */
export function roleFindings(deployment: Deployment, pods: readonly Pod[], now: Date): Finding[] {
  const { namespace, name, wanted, ready } = roleOf(deployment, pods);
  const about = `Deployment ${namespace}/${name}`;
  const look = `kubectl -n ${namespace} describe deployment ${name}; kubectl -n ${namespace} logs deployment/${name}`;
  if (wanted === 0)
    return [
      {
        severity: isNeeded(name) ? 'problem' : 'warning',
        about,
        text: 'it is scaled to nothing: what it does is not done',
        remedy: `kubectl -n ${namespace} scale deployment ${name} --replicas=1`,
      },
    ];
  const own = podsOf(deployment, pods);
  const why = [...new Set(own.flatMap((pod) => troubleOf(pod) ?? []))].slice(0, 3).join('; ');
  if (ready < wanted)
    return [
      {
        severity: ready === 0 ? 'problem' : 'warning',
        about,
        text: `${ready} of ${wanted} replicas are ready${why === '' ? '' : `: ${why}`}`,
        remedy: look,
      },
    ];
  // A rollout that does not get on leaves the pods of before where they are.
  const stuck: Finding[] =
    why === '' ? [] : [{ severity: 'warning', about, text: `all replicas are ready, but ${why}`, remedy: look }];
  return [...stuck, ...own.flatMap((pod) => restarted(pod, now) ?? [])];
}

/** Why a pod is not ready, where it says so. */
function troubleOf({ metadata: { name }, status }: Pod): string | undefined {
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled !== undefined) return cut(`${name} has no node: ${unscheduled.message ?? unscheduled.reason ?? ''}`);
  const [waits] = (status?.containerStatuses ?? []).flatMap((container) => waitOf(container) ?? []);
  return waits === undefined ? undefined : cut(`${name} waits ${waits}`);
}

/** What every container waits for at first. */
const STARTING = ['ContainerCreating', 'PodInitializing'];

function waitOf({ state, lastState }: Container): string | undefined {
  const { reason, message = '' } = state?.waiting ?? {};
  if (reason === undefined || STARTING.includes(reason)) return undefined;
  const end = endOf(lastState);
  return `(${reason}${end === undefined ? `: ${message}` : `, ended with ${end}`})`;
}

function restarted({ metadata: { namespace = '', name = '' }, status }: Pod, now: Date): Finding | undefined {
  const last = (status?.containerStatuses ?? []).find(({ lastState }) => {
    const finished = Date.parse(String(lastState?.terminated?.finishedAt ?? ''));
    return now.getTime() - finished < RECENT_MS;
  });
  if (last === undefined) return undefined;
  return {
    severity: 'warning',
    about: `Pod ${namespace}/${name}`,
    text: cut(
      `it was restarted within the last hour, ${last.restartCount} times in all; it ended with ${endOf(last.lastState)}`,
    ),
    remedy: `kubectl -n ${namespace} logs ${name} --previous`,
  };
}

function endOf(state: Container['lastState']): string | undefined {
  const end = state?.terminated;
  return end && `exit ${end.exitCode}${end.reason === undefined ? '' : ` (${end.reason})`}`;
}

/** Roles of one installation are upgraded together. */
export function versionFindings(roles: readonly RoleState[]): Finding[] {
  const byVersion = Map.groupBy(
    roles.filter(({ version }) => version !== ''),
    ({ version }) => version,
  );
  if (byVersion.size < 2) return [];
  const text = [...byVersion].map(([version, of]) => `${version}: ${of.map(({ name }) => name).join(', ')}`).join('; ');
  return [
    {
      severity: 'warning',
      about: 'the installation',
      text: `its roles are of ${byVersion.size} versions (${cut(text)})`,
      remedy: 'finish the upgrade: helm status tektite, or kubectl apply --server-side -f dist/release.yaml',
    },
  ];
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text;
}
