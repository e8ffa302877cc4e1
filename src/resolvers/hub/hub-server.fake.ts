import { startServer, type FakeServer } from '../../http/http-server.fake.ts';

/** What a hub has: definitions by kind, name and version (of three numbers). */
export interface HubEntry {
  kind: 'task' | 'pipeline';
  name: string;
  version: string;
  yaml: string;
}

const catalog = (kind: string) => `tekton-catalog-${kind}s`;

/** A hub with the addresses and answers of both APIs: Artifact Hub's below /api/v1, Tekton Hub's below /v1. */
export function startHub(entries: readonly HubEntry[], host?: string): Promise<FakeServer> {
  return startServer(({ path }) => artifactHub(path, entries) ?? tektonHub(path, entries) ?? { status: 404 }, host);
}

function artifactHub(path: string, entries: readonly HubEntry[]) {
  const match = /^\/api\/v1\/packages\/tekton-(\w+)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (match === null) return undefined;
  const [, kind = '', inCatalog, name, version] = match;
  const versions = entries.filter((entry) => entry.kind === kind && entry.name === name);
  const found = versions.find((entry) => version === undefined || entry.version === version);
  if (found === undefined || inCatalog !== catalog(kind)) return undefined;
  return {
    body: {
      name,
      version: found.version,
      available_versions: versions.map((entry) => ({ version: entry.version, prerelease: false, ts: 1 })),
      repository: { name: catalog(kind), organization_name: 'tekton' },
      data: { manifestRaw: found.yaml, pipelinesMinVersion: '0.38.0' },
    },
  };
}

function tektonHub(path: string, entries: readonly HubEntry[]) {
  const match = /^\/v1\/resource\/Tekton\/(\w+)\/([^/]+)(?:\/([^/]+)\/yaml)?$/.exec(path);
  if (match === null) return undefined;
  const [, kind, name, version] = match;
  const versions = entries.filter((entry) => entry.kind === kind && entry.name === name);
  const found = versions.find((entry) => version === undefined || entry.version === `${version}.0`);
  if (found === undefined) return undefined;
  if (version !== undefined) return { body: { data: { yaml: found.yaml } } };
  return {
    body: { data: { name, versions: versions.map((entry) => ({ version: entry.version.replace(/\.0$/, '') })) } },
  };
}
