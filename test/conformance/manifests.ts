import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { attempt } from '../../hack/command.ts';

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
  const words = [kubectl, ...args, '--namespace', namespace, 'create', '-f', path.resolve(file), '--output', 'json'];
  const { status, stdout, stderr, output } = await attempt(words);
  if (status !== 0) throw new Error(stderr.trim() || `${words.join(' ')}: ${output.trim() || `status ${status}`}`);
  return splitJson(stdout)
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
