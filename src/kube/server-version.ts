import type { KubeClient } from './client.ts';

/**
 * `gitVersion` of the API server's /version; undefined for what is none.
 * @throws what the client throws when the server cannot be asked
 */
export async function serverVersion(client: Pick<KubeClient, 'raw'>, signal: AbortSignal): Promise<string | undefined> {
  const text = await client.raw('GET', '/version', { signal });
  try {
    const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
    return typeof gitVersion === 'string' && isVersion(gitVersion) ? gitVersion.slice(0, 100) : undefined;
  } catch {
    // No JSON, or null: whoever answered is no API server that we know.
    return undefined;
  }
}

/** Whether a text is a version that can be compared. */
export function isVersion(text: string): boolean {
  return numbersOf(text) !== undefined;
}

/** Whether one version is older than another; a text that is none is never older. */
export function isOlder(version: string, than: string): boolean {
  const left = numbersOf(version);
  const right = numbersOf(than);
  if (!left || !right) return false;
  const differs = left.findIndex((number, index) => number !== right[index]);
  return differs >= 0 && (left[differs] ?? 0) < (right[differs] ?? 0);
}

/** Only the three numbers count: distributions add words of their own (`v1.29.1-eks-508b6b3`). */
function numbersOf(version: string): number[] | undefined {
  const [, major, minor, patch = '0'] = /^v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?!\d)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : [major, minor, patch].map(Number);
}
