/** Where the registry of a host is really asked: a mirror's URL by host, `*` for all hosts (air-gapped clusters). */
export type RegistryMirrors = Readonly<Record<string, string>>;

const hubUrl = 'https://registry-1.docker.io';
/** As go-containerregistry: plain HTTP on this machine, .local names and private addresses. */
const plainHttp =
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|[^:]*\.local|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)(:\d+)?$/;

/** Base URL of a host's registry API. */
export function registryUrl(host: string, mirrors: RegistryMirrors = {}): string {
  return (
    mirrorOf(host, mirrors) ?? (host === 'docker.io' ? hubUrl : `${plainHttp.test(host) ? 'http' : 'https'}://${host}`)
  );
}

/**
 * The base URLs to try, best first. A host that may speak plain HTTP (by its name, or because it is `insecure`) is
 * asked over TLS first, as go-containerregistry does: private registries with a certificate of their own are common.
 */
export function candidateUrls(
  host: string,
  options: { mirrors?: RegistryMirrors; insecure?: boolean } = {},
): [string, ...string[]] {
  const mirror = mirrorOf(host, options.mirrors ?? {});
  if (mirror !== undefined) return [mirror];
  if (host === 'docker.io') return [hubUrl];
  return plainHttp.test(host) || options.insecure ? [`https://${host}`, `http://${host}`] : [`https://${host}`];
}

function mirrorOf(host: string, mirrors: RegistryMirrors): string | undefined {
  return (mirrors[host] ?? mirrors['*'])?.replace(/\/+$/, '');
}
