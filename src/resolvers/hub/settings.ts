import { parse } from 'yaml';
import type { RequestParams } from '../params.ts';
import { configNames } from '../defaults.ts';
import { InvalidRequest, type ConfigData } from '../resolver.ts';

export const configName = configNames.hub;
export type HubType = 'artifact' | 'tekton';

/** Addresses from the environment of the process, as upstream's. */
export interface HubAddresses {
  artifactHub: string;
  tektonHub: string;
}

export interface WantedEntry {
  type: HubType;
  kind: string;
  catalog: string;
  name: string;
  version: string;
  /** Hubs to ask, in this order. */
  hubs: readonly string[];
}

const kinds = ['task', 'pipeline', 'stepaction'];

/** @throws InvalidRequest with upstream's texts. */
export function wantedEntry(params: RequestParams, config: ConfigData, addresses: HubAddresses): WantedEntry {
  const populating = 'failed to populate default params: ';
  const type = defaulted(params, config, { name: 'type', key: 'default-type', what: `${populating}default type` });
  const kind = defaulted(params, config, {
    name: 'kind',
    key: 'default-kind',
    what: `${populating}default resource kind`,
  });
  const catalog = params.has('catalog') ? params.text('catalog') : defaultCatalog(type, kind, config);
  const invalid = (text: string) => new InvalidRequest(`failed to validate params: ${text}`);
  if (!kinds.includes(kind)) throw invalid(`kind param must be one of: ${kinds.join(', ')}`);
  if (type !== 'artifact' && type !== 'tekton') throw invalid('type param must be artifact or tekton');
  const hubs = hubsFor(type, params, config, addresses);
  if (hubs.length === 0) throw invalid('please configure TEKTON_HUB_API env variable to use tekton type');
  const missing = ['name', 'version'].filter((each) => params.text(each) === '');
  if (missing.length > 0) throw invalid(`missing required hub resolver params: ${missing.join(', ')}`);
  return { type, kind, catalog, name: params.text('name'), version: params.text('version'), hubs };
}

interface Defaulted {
  name: string;
  /** Of the ConfigMap's. */
  key: string;
  /** For messages. */
  what: string;
}

function defaulted(params: RequestParams, config: ConfigData, { name, key, what }: Defaulted): string {
  const value = params.has(name) ? params.text(name) : config[key];
  if (value === undefined)
    throw new InvalidRequest(
      `${what} was not set during installation of the hub resolver; write param ${name}, or ask the operator to set ${key} in ConfigMap ${configName}`,
    );
  return value;
}

function defaultCatalog(type: string, kind: string, config: ConfigData): string {
  const kindKey: Readonly<Record<string, string>> = {
    task: 'default-artifact-hub-task-catalog',
    pipeline: 'default-artifact-hub-pipeline-catalog',
  };
  const key = type === 'tekton' ? 'default-tekton-hub-catalog' : type === 'artifact' ? kindKey[kind] : undefined;
  if (key === undefined)
    throw new InvalidRequest(
      type === 'artifact'
        ? `failed to populate default params: failed to resolve catalog name with kind: ${kind}; write param catalog`
        : `failed to populate default params: failed to resolve catalog name with type: ${type}`,
    );
  const catalog = config[key];
  if (catalog === undefined)
    throw new InvalidRequest(
      `failed to populate default params: ${key.replaceAll('-', ' ')} was not set during installation of the hub resolver`,
    );
  return catalog;
}

function hubsFor(type: HubType, params: RequestParams, config: ConfigData, addresses: HubAddresses): string[] {
  if (params.text('url') !== '') {
    const problem = addressProblem(params.text('url'));
    if (problem) throw new InvalidRequest(`failed to validate params: invalid url param: ${problem}`);
    return [trimmed(params.text('url'))];
  }
  const key = type === 'artifact' ? 'artifact-hub-urls' : 'tekton-hub-urls';
  const listed = listedHubs(key, config[key] ?? '');
  if (listed.length > 0) return listed;
  const own = type === 'artifact' ? addresses.artifactHub || 'https://artifacthub.io' : addresses.tektonHub;
  return own === '' ? [] : [trimmed(own)];
}

/** A YAML list. @throws InvalidRequest: falling back to another hub would ask whom the operator did not name. */
function listedHubs(key: string, text: string): string[] {
  if (text.trim() === '') return [];
  const wrong = (why: string) =>
    new InvalidRequest(`${key} in ConfigMap ${configName} ${why}; an operator must write a YAML list of addresses`);
  let list: unknown;
  try {
    list = parse(text);
  } catch {
    throw wrong('is no YAML');
  }
  if (!Array.isArray(list) || !list.every((each) => typeof each === 'string')) throw wrong('is no list of texts');
  const problem = list.map(addressProblem).find((each) => each !== undefined);
  if (problem) throw wrong(`has a wrong address: ${problem}`);
  return list.map(trimmed);
}

function addressProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return `url must be a valid absolute URL: ${text}`;
  // Everybody who sees the run or its provenance would see them.
  if (new URL(text).username !== '' || new URL(text).password !== '') return 'url holds credentials';
  return /^https?:$/.test(new URL(text).protocol) ? undefined : `url must use http or https scheme: ${text}`;
}

function trimmed(url: string): string {
  return url.trim().replace(/\/+$/, '');
}
