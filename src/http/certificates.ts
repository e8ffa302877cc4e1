import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { certificatesIn } from '../pem.ts';

/**
 * The certificates that SSL_CERT_FILE and SSL_CERT_DIR (folders with colons between them) name, as Go programs read
 * them: Tekton's installations mount ConfigMap config-registry-cert that way. Each once; files that are missing or hold
 * no certificate are passed over, as Go does.
 * @returns PEM, for the `ca` of Registries.
 */
export async function certificatesFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const folders = (env['SSL_CERT_DIR'] ?? '').split(':').filter(Boolean);
  const inFolders = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder).catch(() => [])).sort().map((name) => path.join(folder, name)),
    ),
  );
  const files = [...(env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : []), ...inFolders.flat()];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return [...new Set(texts.flatMap(certificatesIn))];
}
