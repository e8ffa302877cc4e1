/**
 * The database of the transparency logs: Debian's MariaDB in a folder of its own, reached by a Unix socket only that
 * folder's owner can open.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { command } from '../command.ts';
import { startService, type Supervision } from './services.ts';

export interface Database {
  /** As the Go MySQL driver wants it: `user@unix(socket)/`, without the name of a database. */
  readonly dsn: string;
  /** Makes a database and runs SQL in it. */
  create(name: string, sql: string): Promise<void>;
}

/**
 * Starts it empty. It runs without the grant tables: there is then nothing to install (which takes seconds), and the
 * socket's folder is what keeps others out. Nothing survives a crash for certain, and nothing needs to.
 */
export async function startDatabase(supervision: Supervision): Promise<Database> {
  const data = path.join(supervision.folder, 'database');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const socket = path.join(supervision.folder, 'database.sock');
  const argv = [
    'mariadbd',
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--pid-file=${path.join(supervision.folder, 'database.pid')}`,
    '--skip-networking',
    '--skip-grant-tables',
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=64M',
    '--innodb-log-file-size=32M',
    '--performance-schema=OFF',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
  await startService({ name: 'database', argv, healthy: () => accepts(socket) }, supervision);
  const client = ['--no-defaults', `--socket=${socket}`];
  return {
    dsn: `root@unix(${socket})/`,
    async create(name, sql) {
      await command(['mariadb', ...client, '--execute', `CREATE DATABASE ${name}`], { signal: supervision.signal });
      await command(['mariadb', ...client, name], { input: sql, signal: supervision.signal });
    },
  };
}

function accepts(socket: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => resolve(undefined)).once('error', (error) => resolve(error.message));
    connection.once('connect', () => connection.destroy());
  });
}

/** A file of a Go module, by the module that requires it; downloaded when the module cache lacks it. */
export async function goModuleFile(requiredBy: string, module: string, file: string): Promise<string> {
  const { Dir } = JSON.parse(await command(['go', 'mod', 'download', '-json', module], { cwd: requiredBy })) as {
    Dir: string;
  };
  return readFile(path.join(Dir, file), 'utf8');
}
