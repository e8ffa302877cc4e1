import { Counter } from 'prom-client';
import { systemClock } from '../clock.ts';
import { serve } from '../http/server.ts';
import { PassThrough } from '../kube/pass-through.ts';
import type { Environment } from '../role/flags.ts';
import { untilAborted } from '../role/until-aborted.ts';
import { runRole, type Role, type RoleProcess } from '../role/process.ts';
import { parseDashboardFlags, type DashboardFlags } from './flags.ts';
import { propertiesReader } from './properties.ts';
import { upgradeHandler } from './proxy/upgrade.ts';
import type { Tenancy } from './proxy/tenants.ts';
import { refusalOf } from './refusal.ts';
import { dashboardRoutes } from './routes.ts';
import { ArtifactIndex } from './artifacts/index.ts';
import { ArtifactAnswers } from './artifacts/routes.ts';
import { Access } from './runs/access.ts';
import { RunIndex } from './runs/index.ts';
import { RunAnswers } from './runs/routes.ts';
import { Sight } from './runs/sight.ts';
import { Streams } from './runs/streams.ts';
import { folderWithPage, readSite, usualFolders, type Site } from './site/files.ts';
import { SystemAnswers } from './system/route.ts';

/** The dashboard role: the page, the API server behind it with the caller's rights, and the slim list of runs. */
const dashboard: Role<DashboardFlags> = {
  name: 'dashboard',
  component: 'tekton-dashboard',
  meter: 'tekton_dashboard',
  eventMetrics: 'tekton_dashboard_',
  parseFlags: parseDashboardFlags,
  work,
};

/** The API server's own: --max-request-body-bytes. */
const LONGEST_BODY = 3 * 1024 * 1024;
const MOST_CONNECTIONS = 2_000;
const GRACE_MS = 5_000;

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(dashboard, [args, env], end);
}

async function work(process: RoleProcess<DashboardFlags>): Promise<void> {
  const { flags, client, log, end, ready } = process;
  const site = await builtPage(process);
  const passThrough = new PassThrough(client.config);
  const { isReadOnly, needsCredentials } = flags;
  const tenancy = tenancyOf(flags);
  const ending = new AbortController();
  const state = { ready: false, synced: false };
  const access = new Access(passThrough);
  const own = { sight: new Sight(access), streams: new Streams(), needsCredentials };
  const trusted = flags.provenanceKey && { key: flags.provenanceKey, name: 'the key that the dashboard was given' };
  const index = new RunIndex(client, flags.namespaces, log);
  const images = new ArtifactIndex({ client, namespaces: flags.namespaces, trusted, log });
  const watching = Promise.all([index.run(ending.signal), images.run(ending.signal)]);
  const synced = index.synced(ending.signal).then(
    () => void (state.synced = true),
    () => undefined,
  );
  const server = await serve(
    dashboardRoutes({
      passThrough,
      isReadOnly,
      needsCredentials,
      tenancy,
      trusted,
      properties: propertiesReader(flags, client),
      logs: flags.externalLogs && { address: flags.externalLogs, access, needsCredentials, tenancy },
      runs: new RunAnswers({ ...own, index, isSynced: () => state.synced }),
      artifacts: new ArtifactAnswers({ ...own, index: images }),
      system: new SystemAnswers({ passThrough, needsCredentials, clock: systemClock, places: placesOf(flags) }),
      site,
      isReady: () => state.ready && !end.aborted,
      log,
      onAnswer: answerCounter(process),
    }),
    {
      port: flags.port,
      bodyLimit: LONGEST_BODY,
      maxConnections: MOST_CONNECTIONS,
      onUpgrade: upgradeHandler({ passThrough, isReadOnly, tenancy, needsCredentials, log, end: ending.signal }),
      refusal: refusalOf,
      log,
    },
  );
  log.info({ port: server.port }, 'serving');
  try {
    state.ready = true;
    ready();
    // A list that cannot be read yet keeps nobody from the rest: it says so itself.
    await Promise.race([untilAborted(end), watching]);
    // Requests still come until the Service has heard of the end.
    server.drain();
    await systemClock.sleep(flags.drainMs);
  } finally {
    ending.abort(new Error('the dashboard ends'));
    await server.close(end.aborted ? GRACE_MS : 0);
    await passThrough.close();
    await Promise.allSettled([watching, synced]);
  }
}

function placesOf({ pipelinesNamespace, triggersNamespace, chainsNamespace, resolversNamespace }: DashboardFlags) {
  return {
    pipelines: pipelinesNamespace,
    triggers: triggersNamespace,
    chains: chainsNamespace,
    resolvers: resolversNamespace,
  };
}

function tenancyOf(flags: DashboardFlags): Tenancy {
  const { namespaces, pipelinesNamespace, triggersNamespace, chainsNamespace, resolversNamespace } = flags;
  return { namespaces, settings: [pipelinesNamespace, triggersNamespace, chainsNamespace, resolversNamespace] };
}

async function builtPage({ flags, log }: RoleProcess<DashboardFlags>): Promise<Site | undefined> {
  const folder = await folderWithPage(flags.webFolder === undefined ? usualFolders : [flags.webFolder]);
  if (folder === undefined) {
    log.warn({ folders: flags.webFolder ?? usualFolders }, 'no page is built here: only the API is served');
    return undefined;
  }
  const site = await readSite(folder);
  log.info({ folder, files: site.size }, 'the page is read');
  return site;
}

function answerCounter({ meters }: RoleProcess<DashboardFlags>): (route: string, status: number) => void {
  const answers = new Counter({
    name: 'tekton_dashboard_answers_total',
    help: 'Answers by route and class of status',
    labelNames: ['route', 'status'],
    registers: [meters.role],
  });
  return (route, status) => answers.inc({ route, status: `${Math.floor(status / 100)}xx` });
}
