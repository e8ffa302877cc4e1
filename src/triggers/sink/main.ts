import { readFile } from 'node:fs/promises';
import { systemClock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { RunningServer, ServerCertificate } from '../../http/server.ts';
import type { Environment } from '../../role/flags.ts';
import { untilAborted } from '../../role/until-aborted.ts';
import { runRole, type Role, type RoleProcess } from '../../role/process.ts';
import { AccountClients } from './accounts.ts';
import { parseSinkFlags, type SinkFlags } from './flags.ts';
import { openListening } from './listening.ts';
import type { ListenerMeans } from './means.ts';
import { sinkMeters } from './meters.ts';
import { serveEvents } from './serving.ts';
import { toldPerListener } from './telling.ts';

/** The sink role: takes the events of one EventListener. */
const sinkRole: Role<SinkFlags> = {
  name: 'sink',
  component: 'eventlistener',
  meter: 'eventlistener',
  eventMetrics: 'eventlistener_',
  eventsPerObject: toldPerListener,
  parseFlags: parseSinkFlags,
  work,
};

const graceMs = 20_000;
const most = { events: 5_000, bytes: 256 * 1024 * 1024 };
const certificateCheckMs = 30_000;

/** Runs the role until the signal asks it to stop (see runRole). @throws FlagError for wrong flags. */
export function main(args: readonly string[], env: Environment, end: AbortSignal): Promise<number> {
  return runRole(sinkRole, [args, env], end);
}

async function work(process: RoleProcess<SinkFlags>): Promise<void> {
  const { flags, log, end, ready, meters, client } = process;
  const clients = new AccountClients(client, flags);
  const clientFor: ListenerMeans['clientFor'] = (account) => (account === undefined ? client : clients.of(account));
  const own = sinkMeters(meters.role, { isShared: false })(flags.listener);
  try {
    const listening = await openListening({ ...process, clientFor, meters: own, most }, end);
    try {
      const certificate = flags.tls && (await readCertificate(flags.tls));
      const server = await serveEvents(flags, {
        handle: listening.handle,
        log,
        ...(certificate ? { certificate } : {}),
      });
      log.info({ port: server.port }, 'serving');
      ready();
      const renewing = flags.tls ? [renew(flags.tls, server, process)] : [];
      await Promise.race([listening.over, untilAborted(end), ...renewing]);
      server.drain();
      await systemClock.sleep(flags.drainMs);
      await server.close(graceMs);
    } finally {
      await listening.close(graceMs);
    }
  } finally {
    await clients.close();
  }
}

async function readCertificate({ cert, key }: { cert: string; key: string }): Promise<ServerCertificate> {
  const [certificate, secret] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  return { cert: certificate, key: secret };
}

/** Takes a new certificate as soon as the kubelet has put it there. */
async function renew(
  files: { cert: string; key: string },
  server: RunningServer,
  { end, log }: RoleProcess<SinkFlags>,
): Promise<void> {
  let current = JSON.stringify(await readCertificate(files));
  while (!end.aborted) {
    await systemClock.sleep(certificateCheckMs, end).catch(() => undefined);
    try {
      const next = await readCertificate(files);
      if (JSON.stringify(next) === current) continue;
      server.setCertificate(next);
      current = JSON.stringify(next);
      log.info('the certificate was renewed');
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the new certificate cannot be used; the old one stays');
    }
  }
}
