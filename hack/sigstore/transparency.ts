/**
 * The logs: Trillian over its database, Rekor v1 and the certificate log in front of it; Rekor v2, which keeps its
 * tiles in files.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tools } from '../one-node/binaries.ts';
import { command } from '../command.ts';
import { makeLogKey, type Authority } from './authorities.ts';
import { goModuleFile, startDatabase, type Database } from './database.ts';
import { answers, freePorts, startService, type Supervision } from './services.ts';
import type { TrustedLog } from './trusted-root.ts';

export interface Trillian {
  readonly host: string;
  readonly port: number;
  readonly database: Database;
}

const TRILLIAN_MODULE = path.resolve(import.meta.dirname, '../one-node/go/trillian');
const LOOPBACK = '127.0.0.1';

/**
 * Trillian's log server and signer over a fresh database. Entries are sequenced within 100 ms, so that tests need
 * not wait.
 */
export async function startTrillian(supervision: Supervision): Promise<Trillian> {
  const [server, signer] = await tools(['trillian-log-server', 'trillian-log-signer']);
  const database = await startDatabase(supervision);
  await database.create(
    'trillian',
    await goModuleFile(TRILLIAN_MODULE, 'github.com/google/trillian', 'storage/mysql/schema/storage.sql'),
  );
  const [port, serverHttp, signerRpc, signerHttp] = await freePorts(LOOPBACK, 4);
  const common = [
    '--storage_system=mysql',
    `--mysql_uri=${database.dsn}trillian`,
    '--quota_system=noop',
    '--logtostderr',
  ];
  const listen = (rpc: number | undefined, http: number | undefined) => [
    `--rpc_endpoint=${LOOPBACK}:${rpc}`,
    `--http_endpoint=${LOOPBACK}:${http}`,
  ];
  await Promise.all([
    startService(
      {
        name: 'trillian-log-server',
        argv: [server as string, ...common, ...listen(port, serverHttp)],
        healthy: answers(`http://${LOOPBACK}:${serverHttp}/healthz`),
      },
      supervision,
    ),
    startService(
      {
        name: 'trillian-log-signer',
        argv: [
          signer as string,
          ...common,
          ...listen(signerRpc, signerHttp),
          '--force_master',
          '--sequencer_interval=100ms',
        ],
        healthy: answers(`http://${LOOPBACK}:${signerHttp}/healthz`),
      },
      supervision,
    ),
  ]);
  return { host: LOOPBACK, port: port as number, database };
}

/** Rekor v1 with its search index in the same database. */
export async function startRekor(trillian: Trillian, address: string, supervision: Supervision): Promise<TrustedLog> {
  const [program] = await tools(['rekor-server']);
  const [port] = await freePorts(address, 1);
  const key = await makeLogKey(supervision.folder, 'rekor');
  await trillian.database.create('rekor', '');
  const argv = [
    program as string,
    'serve',
    '--log_type=prod',
    `--rekor_server.address=${address}`,
    `--port=${port}`,
    `--rekor_server.hostname=rekor.tektite.test`,
    `--rekor_server.signer=${key.privateKeyPath}`,
    `--trillian_log_server.address=${trillian.host}`,
    `--trillian_log_server.port=${trillian.port}`,
    '--search_index.storage_provider=mysql',
    `--search_index.mysql.dsn=${trillian.database.dsn}rekor`,
  ];
  const url = `http://${address}:${port}`;
  await startService({ name: 'rekor', argv, healthy: answers(`${url}/api/v1/log`) }, supervision);
  return { url, der: key.der, id: key.id };
}

/**
 * A certificate transparency log that takes certificates of this authority; `publicKeyPath` is for clients that read no
 * trusted root.
 */
export async function startCertificateLog(
  trillian: Trillian,
  authority: Authority,
  supervision: Supervision,
): Promise<TrustedLog & { publicKeyPath: string }> {
  const [program, createTree] = await tools(['ct-server', 'trillian-createtree']);
  const [port] = await freePorts(LOOPBACK, 1);
  const key = await makeLogKey(supervision.folder, 'certificate-log');
  const tree = (
    await command([createTree as string, `--admin_server=${trillian.host}:${trillian.port}`], {
      signal: supervision.signal,
    })
  ).trim();
  const config = path.join(supervision.folder, 'certificate-log.textproto');
  await writeFile(config, certificateLogConfig(tree, authority.chainPath, key.privateDer));
  const argv = [
    program as string,
    `--http_endpoint=${LOOPBACK}:${port}`,
    `--log_config=${config}`,
    `--log_rpc_server=${trillian.host}:${trillian.port}`,
    '--logtostderr',
  ];
  const url = `http://${LOOPBACK}:${port}/test`;
  await startService({ name: 'certificate-log', argv, healthy: answers(`${url}/ct/v1/get-sth`) }, supervision);
  return { url, der: key.der, id: key.id, publicKeyPath: key.publicKeyPath };
}

/** Protocol buffer text; a key file would have to be encrypted in a form of the last century. */
function certificateLogConfig(tree: string, rootsFile: string, privateKey: Buffer): string {
  const octal = [...privateKey].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return `config {
  log_id: ${tree}
  prefix: "test"
  roots_pem_file: "${rootsFile}"
  private_key: {
    [type.googleapis.com/keyspb.PrivateKey] { der: "${octal}" }
  }
  max_merge_delay_sec: 86400
  expected_merge_delay_sec: 1
}
`;
}

/**
 * Rekor v2. It writes its tiles under `rekor-tiles/`; entries come with their inclusion proof, so that nothing
 * needs to read them. Its origin is the host of its URL, which is where verifiers look for it.
 */
export async function startRekorTiles(address: string, supervision: Supervision): Promise<TrustedLog> {
  const [program] = await tools(['rekor-tiles-server']);
  const [port, grpc, metrics] = await freePorts(address, 3);
  const key = await makeLogKey(supervision.folder, 'rekor-tiles');
  const storage = path.join(supervision.folder, 'rekor-tiles');
  await mkdir(storage);
  const argv = [
    program as string,
    'serve',
    `--hostname=${address}`,
    `--http-address=${address}`,
    `--http-port=${port}`,
    `--grpc-address=${address}`,
    `--grpc-port=${grpc}`,
    `--http-metrics-port=${metrics}`,
    `--storage-dir=${storage}`,
    `--signer-filepath=${key.privateKeyPath}`,
    '--batch-max-age=20ms',
    '--checkpoint-interval=100ms',
    '--log-level=warn',
  ];
  const url = `http://${address}:${port}`;
  await startService({ name: 'rekor-tiles', argv, healthy: answers(`${url}/healthz`) }, supervision);
  return { url, der: key.der, id: key.id };
}
