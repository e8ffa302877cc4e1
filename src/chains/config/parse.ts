import { ConfigValues, type ConfigProblem } from '../../api/config/values.ts';
import { commaList } from '../../comma-list.ts';
import { backendNames, type ArtifactKind, type BackendName } from '../types.ts';
import type { ArtifactSettings, ChainsConfig, StatementSettings } from './settings.ts';
import { kms, x509 } from './signers.ts';
import { storage } from './storage.ts';
import { transparency } from './transparency.ts';
import { trust } from './trust.ts';

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
