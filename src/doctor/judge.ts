import { certificateFindings, certificatesOf, trustOf } from './certificates.ts';
import { leaseFindings, leasesOf } from './leases.ts';
import type { Observed } from './observe.ts';
import { controllerName } from './places.ts';
import { queueFindings, queuesOf } from './queues.ts';
import type { Finding, SystemReport } from './report.ts';
import { roleFindings, roleOf, versionFindings } from './roles.ts';
import { servedFindings, servedOf } from './served.ts';
import { settingsOf } from './settings.ts';

/** What there is to say of what was read. Nothing is said to be missing where it could not be read. */
export function judge(observed: Observed, now: Date): SystemReport {
  const { places, deployments, pods, leases, webhooks, unread, kubernetes } = observed;
  const roles = deployments
    .map((deployment) => roleOf(deployment, pods))
    .toSorted((one, other) => (`${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1));
  const held = leasesOf(leases, now);
  const queues = observed.metrics.flatMap(queuesOf);
  const trusts = webhooks.map(trustOf);
  const served = observed.metrics.flatMap((each) => servedOf(each) ?? []);
  const { settings, findings } = settingsOf(observed.configMaps, places);
  const all = [
    ...missingController(observed),
    ...deployments.flatMap((deployment) => roleFindings(deployment, pods, now)),
    ...versionFindings(roles),
    ...leaseFindings(held, queues, now),
    ...queueFindings(queues),
    ...certificateFindings(trusts, now),
    ...servedFindings(served, now),
    ...findings,
  ];
  const sorted = [...all.filter(isProblem), ...all.filter((finding) => !isProblem(finding))];
  return {
    readAt: now.toISOString(),
    ...(kubernetes === undefined ? {} : { kubernetes }),
    verdict: verdictOf(sorted, unread.length),
    findings: sorted,
    roles,
    leases: held,
    queues,
    certificates: certificatesOf(trusts),
    served,
    settings,
    unread,
  };
}

function isProblem({ severity }: Finding): boolean {
  return severity === 'problem';
}

function missingController({ places: { pipelines }, deployments, read }: Observed): Finding[] {
  if (!read.has(`deployments ${pipelines}`)) return [];
  if (deployments.some(({ metadata }) => metadata.name === controllerName)) return [];
  return [
    {
      severity: 'problem',
      about: `namespace ${pipelines}`,
      text: `it has no Deployment ${controllerName}: no run is worked on`,
      remedy: `install it there, or name the namespace where it is: helm upgrade --install tektite config/chart -n ${pipelines}`,
    },
  ];
}

function verdictOf(findings: readonly Finding[], unread: number): string {
  const problems = findings.filter(isProblem).length;
  const warnings = findings.length - problems;
  const counts = [
    ...(problems > 0 ? [`${problems} ${problems === 1 ? 'problem' : 'problems'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ].join(' and ');
  const rest = unread === 0 ? '' : `; ${unread} ${unread === 1 ? 'thing' : 'things'} could not be read`;
  return `${counts === '' ? 'nothing is wrong with what was looked at' : counts}${rest}`;
}
