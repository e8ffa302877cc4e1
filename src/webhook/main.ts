import { systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { serve, type RunningServer } from '../http/server.ts';
import type { Environment } from '../role/flags.ts';
import { untilAborted } from '../role/until-aborted.ts';
import { observabilityNames } from '../role/observability/live.ts';
import { runRole, type Role, type RoleProcess } from '../role/process.ts';
import { servedCertificate } from '../role/served-certificate.ts';
import { untilDone } from '../role/until-done.ts';
import { answerCounter } from './answer-metrics.ts';
import { CertificateKeeper, type Certificates } from './certificates/keeper.ts';
import { parseWebhookFlags, type WebhookFlags } from './flags.ts';
import { registerBundle } from './registration.ts';
import { webhookRoutes } from './routes.ts';
import { AdmissionSettings, configNames } from './settings.ts';

/** The webhook role: what is created and changed is checked, filled up and converted here. */
const webhook: Role<WebhookFlags> = {
  name: 'webhook',
  component: 'tekton-pipelines-webhook',
  meter: 'tekton_pipelines_webhook',
  eventMetrics: 'tekton_pipelines_webhook_',
  parseFlags: parseWebhookFlags,
  work,
};

/** An object of the API server has at most 3 MiB; an update holds two, and JSON inside of JSON is longer. */
const LONGEST_BODY = 16 * 1024 * 1024;
/** How often the certificates are looked at. */
const CERTIFICATE_CHECK_MS = 60_000;
const GRACE_MS = 10_000;
const FIRST_RETRY_MS = 1_000;

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(webhook, [args, env], end);
}

async function work(process: RoleProcess<WebhookFlags>): Promise<void> {
  const { flags, env, client, log, end } = process;
  const names = configNames(env);
  const settings = new AdmissionSettings(client, flags.systemNamespace, names, log);
  const keeper = keeperOf(process);
  // Everything here ends only once the last request is answered.
  const stop = new AbortController();
  const watching = settings.run(stop.signal);
  try {
    await Promise.race([settings.synced(end), watching]);
    // The controller tells of bad values; here they are in the log.
    process.observe({ ...settings.source, names: observabilityNames(env), component: 'webhook' });
    const certificates = await firstCertificates(keeper, process);
    const server = await serve(webhookRoutes(judges(process, settings)), {
      port: flags.port,
      certificate: certificates.server,
      bodyLimit: LONGEST_BODY,
      log,
    });
    log.info({ port: server.port }, 'serving');
    const keeping = keepCertificates(process, { keeper, server, first: certificates }, stop.signal);
    await Promise.race([watching, keeping, untilAborted(end)]);
    // Requests still come until every API server has heard of the end.
    server.drain();
    await systemClock.sleep(flags.drainMs);
    await server.close(GRACE_MS);
  } finally {
    stop.abort();
  }
}

function judges(process: RoleProcess<WebhookFlags>, settings: AdmissionSettings) {
  const { flags, env, log, meters } = process;
  return {
    settings: () => settings.current(),
    gates: flags.gates,
    configNames: configNames(env),
    log,
    onAnswer: answerCounter(meters.role),
  };
}

function keeperOf({ flags, client, log }: RoleProcess<WebhookFlags>): CertificateKeeper {
  const { systemNamespace: namespace, serviceName, secretName } = flags;
  const names = [`${serviceName}.${namespace}.svc`, `${serviceName}.${namespace}.svc.cluster.local`, serviceName];
  return new CertificateKeeper({
    client,
    namespace,
    secretName,
    names: [...names, ...flags.certificateNames],
    own: flags.ownCertificates,
    clock: systemClock,
    log,
  });
}

/** Waits for the first certificate; meanwhile the process is alive and not ready, and its log says why. */
async function firstCertificates(
  keeper: CertificateKeeper,
  { log, end }: RoleProcess<WebhookFlags>,
): Promise<Certificates> {
  return untilDone(() => keeper.current(end), {
    clock: systemClock,
    end,
    onFailure: (error) => log.error({ error: messageOf(error) }, 'no certificate to serve with; trying again'),
  });
}

/** Renews what gets old, serves with what is new, and tells the API server; what fails is tried again. */
async function keepCertificates(
  { client, log, ready, meters }: RoleProcess<WebhookFlags>,
  { keeper, server, first }: { keeper: CertificateKeeper; server: RunningServer; first: Certificates },
  signal: AbortSignal,
): Promise<void> {
  const tellAge = servedCertificate(meters.role);
  let current = first;
  for (let failures = 0; !signal.aborted;) {
    try {
      // Whoever is to believe the new certificate is told before it is shown.
      if (current.bundle) await tell(client, current.bundle, log, signal);
      server.setCertificate(current.server);
      tellAge(current.server.cert);
      ready();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      log.error({ error: messageOf(error) }, 'the certificates could not be brought into use; trying again');
    }
    await systemClock.sleep(failures > 0 ? FIRST_RETRY_MS * 2 ** Math.min(failures, 5) : CERTIFICATE_CHECK_MS, signal);
    current = await keeper.current(signal).catch((error: unknown) => {
      if (!signal.aborted) log.error({ error: messageOf(error) }, 'the certificates could not be read');
      return current;
    });
  }
}

async function tell(
  client: RoleProcess<WebhookFlags>['client'],
  bundle: string,
  log: RoleProcess<WebhookFlags>['log'],
  signal: AbortSignal,
): Promise<void> {
  const written = await registerBundle(client, bundle, signal);
  if (written.length > 0) log.info({ written }, 'the API server was told whom to trust');
}
