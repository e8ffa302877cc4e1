/** User and password for a registry. */
export interface RegistryCredentials {
  username: string;
  password: string;
  /**
   * An OAuth2 refresh token (docker config's `identitytoken`): exchanged for access tokens, in place of the password.
   */
  identityToken?: string;
  /** A bearer token to be sent as it is (docker config's `registrytoken`). */
  registryToken?: string;
}

/** `auths` of a docker config: key (host, URL or host/path) to credentials. */
export type Keychain = ReadonlyMap<string, RegistryCredentials>;

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** A key of an auths map, with what stands under it. */
interface Entry {
  key: string;
  credentials: RegistryCredentials;
}

/**
 * Reads a pull secret: type kubernetes.io/dockerconfigjson (`.dockerconfigjson`) or the older dockercfg (`.dockercfg`).
 * `data` is base64 as in the Secret. Entries without credentials are left out.
 * @throws when the JSON cannot be read, naming the key.
 */
export function keychainOfSecret(data: Readonly<Record<string, string>> | undefined): Keychain {
  const keychain = new Map<string, RegistryCredentials>();
  for (const key of ['.dockerconfigjson', '.dockercfg'] as const) {
    const text = data?.[key];
    if (text === undefined) continue;
    for (const entry of entriesOf(key, Buffer.from(text, 'base64').toString('utf8')))
      keychain.set(entry.key, entry.credentials);
  }
  return keychain;
}

/**
 * Reads a docker config file (config.json).
 * @throws when it is not JSON.
 */
export function keychainOfDockerConfig(text: string): Keychain {
  return new Map(entriesOf('.dockerconfigjson', text).map((entry) => [entry.key, entry.credentials]));
}

/**
 * Reads a basic-auth secret that Tekton's annotations give to registries: `tekton.dev/docker-0: https://ghcr.io`.
 * Empty for secrets that are not of that kind.
 */
export function keychainOfAnnotatedSecret(secret: {
  metadata: { annotations?: Record<string, string> };
  data?: Record<string, string> | undefined;
}): Keychain {
  const [username, password] = [secret.data?.['username'], secret.data?.['password']].map((value) =>
    value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8'),
  );
  if (username === undefined || password === undefined) return new Map();
  const hosts = Object.entries(secret.metadata.annotations ?? {}).filter(([name]) =>
    name.startsWith('tekton.dev/docker-'),
  );
  return new Map(hosts.map(([, host]) => [host, { username, password }]));
}

function entriesOf(key: '.dockerconfigjson' | '.dockercfg', text: string): Entry[] {
  return Object.entries(authsOf(key, text)).flatMap(([registry, auth]) => {
    const credentials = credentialsOf(auth);
    return credentials ? [{ key: registry, credentials }] : [];
  });
}

function authsOf(key: string, text: string): Record<string, DockerAuth> {
  try {
    const parsed = JSON.parse(text) as { auths?: Record<string, DockerAuth> } & Record<string, DockerAuth>;
    return key === '.dockerconfigjson' ? (parsed.auths ?? {}) : parsed;
  } catch {
    throw new Error(`${key} is not JSON`); // no cause: its message would quote the secret
  }
}

/** Docker writes tokens beside an `auth` whose password is empty; older tools used the user name `<token>` for them. */
function credentialsOf(auth: DockerAuth): RegistryCredentials | undefined {
  const basic = basicOf(auth);
  const registryToken = auth.registrytoken;
  const identityToken = auth.identitytoken ?? (basic?.username === '<token>' ? basic.password : undefined);
  if (!basic && !identityToken && !registryToken) return undefined;
  return {
    username: '',
    password: '',
    ...basic,
    ...(identityToken ? { identityToken } : {}),
    ...(registryToken ? { registryToken } : {}),
  };
}

function basicOf(auth: DockerAuth): { username: string; password: string } | undefined {
  if (auth.username !== undefined && auth.password !== undefined)
    return { username: auth.username, password: auth.password };
  const decoded = auth.auth === undefined ? '' : Buffer.from(auth.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** A keychain and where it is from. */
export interface KeychainSource<Origin> {
  keychain: Keychain;
  origin: Origin;
}

/**
 * The entry for a repository: the most specific one wins, as in kubelet's credential lookup, then the first; hosts may
 * hold `*` for one label, Docker Hub has several names.
 */
export function entryFor<Origin>(
  sources: readonly KeychainSource<Origin>[],
  host: string,
  repository: string,
): { origin: Origin; credentials: RegistryCredentials } | undefined {
  const wanted = host === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [host];
  let best: { length: number; origin: Origin; credentials: RegistryCredentials } | undefined;
  for (const { keychain, origin } of sources) {
    for (const [key, credentials] of keychain) {
      const { keyHost, keyPath } = normalised(key);
      const covers =
        wanted.some((name) => hostMatches(keyHost, name)) &&
        (keyPath === '' || `${repository}/`.startsWith(`${keyPath}/`));
      if (covers && (best === undefined || keyPath.length > best.length))
        best = { length: keyPath.length, origin, credentials };
    }
  }
  return best;
}

/** As entryFor, for who does not ask where the credentials are from. */
export function credentialsFor(
  keychains: readonly Keychain[],
  host: string,
  repository: string,
): RegistryCredentials | undefined {
  return entryFor(
    keychains.map((keychain) => ({ keychain, origin: undefined })),
    host,
    repository,
  )?.credentials;
}

function normalised(key: string): { keyHost: string; keyPath: string } {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
  const slash = bare.indexOf('/');
  return slash < 0 ? { keyHost: bare, keyPath: '' } : { keyHost: bare.slice(0, slash), keyPath: bare.slice(slash + 1) };
}

function hostMatches(pattern: string, host: string): boolean {
  const [labels, wanted] = [pattern.split('.'), host.split('.')];
  return labels.length === wanted.length && labels.every((label, index) => label === '*' || label === wanted[index]);
}
