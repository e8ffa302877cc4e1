import { ConfigValues, type ConfigProblem } from '../api/config/values.ts';
import { commaList } from '../comma-list.ts';
import { parseNamespacePolicies, type NamespacePolicies } from './namespaces.ts';
import type { SpireSettings } from './spire/trust-bundle.ts';
import {
  type ArtifactKind,
  type BackendName,
  backendNames,
  type FormatSettings,
  type StatementFormat,
} from './types.ts';

export type { ConfigProblem } from '../api/config/values.ts';

export type SignerKind = 'x509' | 'kms' | 'none';

/** How artifacts of one type are signed and where they go. */
export interface ArtifactSettings {
  /**
   * False when the signer is "none" or the list of backends is empty: as upstream, nothing of this type is made then.
   */
  enabled: boolean;
  signer: SignerKind;
  /** In the order of the ConfigMap, without repetition. */
  storage: BackendName[];
}

export interface StatementSettings extends ArtifactSettings {
  format: StatementFormat;
}

export interface StorageSettings {
  gcs: { bucket: string };
  oci: {
    /** Where signatures go instead of beside the image; "" for beside. */
    repository: string;
    /** Plain HTTP is allowed and certificates are not checked. */
    insecure: boolean;
    encoding: 'dsse' | 'sigstore-bundle';
  };
  docdb: { url: string; mongoServerUrl: string; mongoServerUrlDir: string; mongoServerUrlPath: string };
  grafeas: { projectId: string; noteId: string; noteHint: string };
  archivista: { url: string };
  pubsub: { provider: '' | 'inmemory' | 'kafka'; topic: string; kafkaBootstrapServers: string };
}

export interface TransparencySettings {
  /** 'manual': only runs annotated chains.tekton.dev/transparency-upload: "true". */
  mode: 'off' | 'all' | 'manual';
  url: string;
  /** Which API the log at `url` speaks: Rekor v1 (dsse, hashedrekord entries) or Rekor v2 (tiles). Ours. */
  api: 'v1' | 'v2';
  /** RFC 3161 timestamp authority; "" for none. Ours. */
  timestampUrl: string;
}

export interface X509Settings {
  /** `issuer`: the only one whose tokens go to Fulcio; "" for any. `provider`: "" tries all. */
  fulcio: { enabled: boolean; address: string; issuer: string; provider: string };
  identityTokenFile: string;
}

export interface KmsSettings {
  ref: string;
  auth: {
    address: string;
    token: string;
    /** A file; wins over `token`. */
    tokenPath: string;
    oidc: { path: string; role: string; tokenPath: string };
    spire: { sock: string; audience: string };
  };
}

/** What may be attested and signed, for whom, with whose rights. Values that are not known count as the strictest. */
export interface TrustSettings {
  /**
   * Runs of which no controller kept a record of what it acted on (artifacts.unrecorded). 'never': not those of another
   * controller either, whoever names it (enforce-nonfalsifiable).
   */
  unrecorded: 'never' | 'refuse' | 'sign';
  /**
   * Fields of pods that admission webhooks may have changed (artifacts.pod-changes); undefined: any, since nothing is
   * asked for but that the controller saw it (without enforce-nonfalsifiable).
   */
  podChanges?: readonly string[];
  /** Whether users may keep their runs from being signed (artifacts.opt-out). */
  optOut: 'allow' | 'forbid';
  /** Images are signed only when the run's own credentials may push them (artifacts.oci.verify-push). */
  verifyPush: boolean;
  /** Whether what a run's credentials cannot push goes with those of Chains (storage.oci.lend-credentials). */
  lendCredentials: boolean;
  /** signing.namespaces */
  namespaces: NamespacePolicies;
}

/** ConfigMap chains-config (upstream docs/config.md). It is also the settings of the formats. */
export interface ChainsConfig extends FormatSettings {
  /** `earlierInputs`: what TaskRuns before one in its pipeline fetched is named in its attestation. Ours. */
  taskrun: StatementSettings & { earlierInputs: boolean };
  pipelinerun: StatementSettings & { deepInspection: boolean };
  oci: ArtifactSettings & { format: 'simplesigning' };
  storage: StorageSettings;
  transparency: TransparencySettings;
  signers: { x509: X509Settings; kms: KmsSettings };
  /** Who vouches for results that were signed by means of SPIRE (artifacts.taskrun.spire.*). Ours. */
  spire: SpireSettings;
  trust: TrustSettings;
  /** Values of spec.managedBy that are signed besides "", unset and tekton.dev/pipeline. */
  managedBy: string[];
  /** Attempts after which a run is marked failed. Upstream's constant is 5. Ours as a key. */
  attempts: number;
}

const formats = ['in-toto', 'slsa/v1', 'slsa/v2alpha3', 'slsa/v2alpha4'] as const;
const signers = ['x509', 'kms', 'none'] as const;
const buildTypes = ['https://tekton.dev/chains/v2/slsa', 'https://tekton.dev/chains/v2/slsa-tekton'] as const;
const wantBackends = `use a list of ${backendNames.join(', ')} with commas between them, or "" for none`;

/**
 * The settings of chains-config; `undefined` (no such ConfigMap) gives upstream's defaults. Never throws: a bad value
 * keeps its default and is reported by name, the rest of the map counts. Addresses are taken as they are written, also
 * bad ones: falling back to the public transparency log would publish what was meant for a private one.
 */
export function parseChainsConfig(data: Readonly<Record<string, string>> | undefined): {
  config: ChainsConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const config: ChainsConfig = {
    builderId: values.text('builder.id', 'https://tekton.dev/chains/v2'),
    buildType: values.oneOf('builddefinition.buildtype', buildTypes[0], buildTypes),
    taskrun: {
      ...statement(values, 'taskrun'),
      earlierInputs: values.boolean('artifacts.taskrun.earlier-inputs', true),
    },
    pipelinerun: {
      ...statement(values, 'pipelinerun'),
      deepInspection: values.boolean('artifacts.pipelinerun.enable-deep-inspection', false),
    },
    oci: {
      ...artifact(values, 'oci', ['oci']),
      format: values.oneOf('artifacts.oci.format', 'simplesigning', ['simplesigning']),
    },
    storage: storage(values),
    transparency: transparency(values, data ?? {}),
    signers: { x509: x509(values), kms: kms(values) },
    spire: {
      trustBundlePath: values.text('artifacts.taskrun.spire.trust-bundle-path', ''),
      trustDomain: values.text('artifacts.taskrun.spire.trust-domain', ''),
      required: values.boolean('artifacts.taskrun.spire.required', false, true),
    },
    trust: trust(values, data ?? {}),
    managedBy: commaList(values.text('filter.managed-by', '')),
    attempts: values.integer('signing.attempts', 5, 1, 101),
  };
  return { config, problems: values.reportUnknownKeys() };
}

/** How artifacts of this type are treated. */
export function settingsOf(config: ChainsConfig, kind: ArtifactKind): ArtifactSettings {
  return config[kind];
}

function artifact(values: ConfigValues, kind: ArtifactKind, storedIn: BackendName[]): ArtifactSettings {
  const signer = values.oneOf(`artifacts.${kind}.signer`, 'x509', signers);
  const storage = [...new Set(values.list(`artifacts.${kind}.storage`, backendNames, wantBackends, storedIn))];
  return { enabled: signer !== 'none' && storage.length > 0, signer, storage };
}

function statement(values: ConfigValues, kind: 'taskrun' | 'pipelinerun'): StatementSettings {
  return {
    ...artifact(values, kind, ['tekton']),
    format: values.oneOf(`artifacts.${kind}.format`, 'in-toto', formats),
  };
}

function storage(values: ConfigValues): StorageSettings {
  const settings = readStorage(values);
  const { repository, encoding } = settings.oci;
  if (repository !== '' && encoding === 'sigstore-bundle')
    values.problems.push({
      kind: 'invalid-value',
      key: 'storage.oci.repository',
      value: repository,
      message:
        'key storage.oci.repository has no effect with storage.oci.encoding-format "sigstore-bundle": a bundle is found beside its image only; remove it, or use "dsse"',
    });
  return settings;
}

function readStorage(values: ConfigValues): StorageSettings {
  return {
    gcs: { bucket: values.text('storage.gcs.bucket', '') },
    oci: {
      repository: values.text('storage.oci.repository', ''),
      insecure: values.boolean('storage.oci.repository.insecure', false),
      encoding: values.oneOf('storage.oci.encoding-format', 'dsse', ['dsse', 'sigstore-bundle']),
    },
    docdb: {
      url: values.text('storage.docdb.url', ''),
      mongoServerUrl: values.text('storage.docdb.mongo-server-url', ''),
      mongoServerUrlDir: values.text('storage.docdb.mongo-server-url-dir', ''),
      mongoServerUrlPath: values.text('storage.docdb.mongo-server-url-path', ''),
    },
    grafeas: {
      projectId: values.text('storage.grafeas.projectid', ''),
      noteId: values.text('storage.grafeas.noteid', ''),
      noteHint: values.text('storage.grafeas.notehint', 'This attestation note was generated by Tekton Chains'),
    },
    archivista: { url: values.text('storage.archivista.url', '') },
    pubsub: {
      provider: values.oneOf<'' | 'inmemory' | 'kafka'>('storage.pubsub.provider', '', ['inmemory', 'kafka']),
      topic: values.text('storage.pubsub.topic', ''),
      kafkaBootstrapServers: values.text('storage.pubsub.kafka.bootstrap.servers', ''),
    },
  };
}

/** As `values.oneOf`, but a value that is not known is the last word, which must be the strictest. */
function strict<T extends string>(
  values: ConfigValues,
  data: Readonly<Record<string, string>>,
  key: string,
  [fallback, strictest]: readonly [T, T],
): T {
  return values.oneOf(key, data[key] === undefined ? fallback : strictest, [fallback, strictest]);
}

function trust(values: ConfigValues, data: Readonly<Record<string, string>>): TrustSettings {
  const pushKey = 'artifacts.oci.verify-push';
  const verifyPush = values.boolean(pushKey, data[pushKey] !== undefined);
  const lendKey = 'storage.oci.lend-credentials';
  const enforceKey = 'enforce-nonfalsifiable';
  const isEnforced = values.boolean(enforceKey, data[enforceKey] !== undefined);
  const unrecorded = values.oneOf('artifacts.unrecorded', 'refuse', ['refuse', 'sign']);
  const podChanges = commaList(values.text('artifacts.pod-changes', ''));
  const key = 'signing.namespaces';
  const { policies, faults } = parseNamespacePolicies(values.text(key, ''));
  for (const fault of faults)
    values.problems.push({
      kind: 'invalid-value',
      key,
      value: '',
      message: `key ${key}: ${fault}; nothing is signed where this counts until you correct it`,
    });
  return {
    unrecorded: isEnforced ? 'never' : unrecorded,
    ...(isEnforced ? { podChanges } : {}),
    optOut: strict(values, data, 'artifacts.opt-out', ['allow', 'forbid']),
    verifyPush,
    lendCredentials: values.boolean(lendKey, data[lendKey] === undefined && !verifyPush),
    namespaces: policies,
  };
}

const MODES: Readonly<Record<string, TransparencySettings['mode']>> = {
  true: 'all',
  manual: 'manual',
  false: 'off',
  '': 'off',
};

/** Only the exact words switch it on, as upstream: what is published in a log stays there. */
function transparency(values: ConfigValues, data: Readonly<Record<string, string>>): TransparencySettings {
  const key = 'transparency.enabled';
  const text = values.text(key, 'false');
  const mode = MODES[text];
  const url = values.text('transparency.url', 'https://rekor.sigstore.dev');
  if (mode === undefined) {
    values.problems.push({
      kind: 'invalid-value',
      key,
      value: text,
      message: `key ${key} has the value ${JSON.stringify(text)}, which is not valid; nothing is written to a transparency log until you correct it: use "true", "manual" or "false"`,
    });
  }
  if (!URL.canParse(url)) {
    values.problems.push({
      kind: 'invalid-value',
      key: 'transparency.url',
      value: data['transparency.url'] ?? '',
      message: `key transparency.url has the value ${JSON.stringify(url)}, which is not a URL; uploads to the log fail until you correct it: write https://host`,
    });
  }
  return {
    mode: mode ?? 'off',
    url,
    api: values.oneOf('transparency.api', 'v1', ['v1', 'v2']),
    timestampUrl: values.text('transparency.timestamp-url', ''),
  };
}

/** Upstream's defaults, which its documentation shows as if they were written: they ask for nothing here. */
const PUBLIC_ISSUER = 'https://oauth2.sigstore.dev/auth';
const PUBLIC_TUF_MIRROR = 'https://tuf-repo-cdn.sigstore.dev';

function x509(values: ConfigValues): X509Settings {
  const key = 'signers.x509';
  const issuer = values.text(`${key}.fulcio.issuer`, PUBLIC_ISSUER);
  reportTufMirror(values, `${key}.tuf.mirror.url`);
  return {
    fulcio: {
      enabled: values.boolean(`${key}.fulcio.enabled`, false),
      address: values.text(`${key}.fulcio.address`, 'https://fulcio.sigstore.dev'),
      issuer: issuer === PUBLIC_ISSUER ? '' : issuer,
      provider: values.text(`${key}.fulcio.provider`, ''),
    },
    identityTokenFile: values.text(`${key}.identity.token.file`, ''),
  };
}

/** Nothing is fetched from a TUF repository: whoever sets a mirror must not believe that it is used. */
function reportTufMirror(values: ConfigValues, key: string): void {
  const value = values.text(key, PUBLIC_TUF_MIRROR);
  if (value === '' || value === PUBLIC_TUF_MIRROR) return;
  values.problems.push({
    kind: 'invalid-value',
    key,
    value,
    message: `key ${key} has the value ${JSON.stringify(value)}, which has no effect: Fulcio's certificates are not checked against a TUF repository when signing; remove the key, and give verifiers the mirror's trusted root`,
  });
}

function kms(values: ConfigValues): KmsSettings {
  const key = 'signers.kms';
  return {
    ref: values.text(`${key}.kmsref`, ''),
    auth: {
      address: values.text(`${key}.auth.address`, ''),
      token: values.text(`${key}.auth.token`, ''),
      tokenPath: values.text(`${key}.auth.token-path`, ''),
      oidc: {
        path: values.text(`${key}.auth.oidc.path`, ''),
        role: values.text(`${key}.auth.oidc.role`, ''),
        tokenPath: values.text(`${key}.auth.oidc.token-path`, ''),
      },
      spire: {
        sock: values.text(`${key}.auth.spire.sock`, ''),
        audience: values.text(`${key}.auth.spire.audience`, ''),
      },
    },
  };
}
