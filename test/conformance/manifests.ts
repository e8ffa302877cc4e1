import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** The YAML files of a folder (or the one file), in order of their paths. */
export function manifestsOf(folder: string): string[] {
  if (statSync(folder).isFile()) return [folder];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

export interface CreatedObject {
  kind: string;
  namespace: string;
  name: string;
}

interface Listed {
  kind: string;
  metadata: { name: string; namespace?: string };
  items?: Listed[];
}

/**
 * `kubectl create -f`, as a user would, with kubectl's strict field validation.
 * @throws with kubectl's own words when it refuses.
 */
export async function kubectlCreate(
  kubectl: string,
  args: string[],
  file: string,
  namespace: string,
): Promise<CreatedObject[]> {
  const output = await capture(kubectl, [...args, '--namespace', namespace, 'create', '-f', file, '--output', 'json']);
  return splitJson(output)
    .flatMap((object) => object.items ?? [object])
    .map((object) => ({
      kind: object.kind,
      name: object.metadata.name,
      namespace: object.metadata.namespace ?? namespace,
    }));
}

/** kubectl prints one JSON document after the other for a file of several. */
export function splitJson(text: string): Listed[] {
  return text
    .split(/^(?=\{)/m)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(part) as Listed);
}

function capture(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    child.on('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
    child.on('close', (status) =>
      status === 0 ? resolve(output) : reject(new Error(errors.trim() || `${command} exited with ${status}`)),
    );
  });
}
