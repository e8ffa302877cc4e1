import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf } from '../../errors.ts';
import { HttpClient } from '../../http/client.ts';
import { certificatesFromEnvironment } from '../../http/certificates.ts';
import { CommandError } from '../command.ts';
import { artifactHub } from './artifact.ts';
import { hubTypes, type Hub, type HubRequest, type HubType } from './hub.ts';
import type { Json } from './json.ts';
import { tektonHub } from './tekton.ts';
import { isJsonObject } from '../../json-object.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Bytes of an answer: a page of a search, or a definition with its texts. */
const answerLimit = 8 * 1024 * 1024;

const servers: Readonly<Record<HubType, { variable: string; address: string }>> = {
  artifact: { variable: 'ARTIFACT_HUB_API_SERVER', address: 'https://artifacthub.io' },
  tekton: { variable: 'TEKTON_HUB_API_SERVER', address: 'https://api.hub.tekton.dev' },
};

/** The hub has nothing of that name. */
export class NotInHub extends CommandError {
  override name = 'NotInHub';
}

/** Talks to the hub that the flags name, as long as the work takes. */
export async function withHub<T>(
  flags: { type: string; 'api-server': string },
  env: Environment,
  work: (hub: Hub) => Promise<T>,
): Promise<T> {
  const type = hubTypes.find((each) => each === flags.type);
  if (type === undefined) throw new CommandError(`invalid hub type: ${flags.type}, expecting artifact or tekton`);
  const address = await serverOf(type, flags['api-server'], env);
  const http = new HttpClient({ ca: await certificatesFromEnvironment(env) });
  const request: HubRequest = (at, signal) => ask(http, new URL(address + at), signal);
  try {
    return await work(type === 'artifact' ? artifactHub(request) : tektonHub(request));
  } finally {
    await http.close();
  }
}

/** As tkn: the flag, the environment, $HOME/.tekton/hub-config, the public hub. */
async function serverOf(type: HubType, flag: string, env: Environment): Promise<string> {
  const { variable, address } = servers[type];
  const given = flag || env[variable] || (await configured(variable, env)) || address;
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
    throw new CommandError(`invalid hub address ${JSON.stringify(given)}: give an http(s) URL with --api-server`);
  return given.replace(/\/+$/, '');
}

async function configured(variable: string, env: Environment): Promise<string | undefined> {
  const file = path.join(env['HOME'] ?? homedir(), '.tekton/hub-config');
  try {
    return parseEnv(await readFile(file, 'utf8'))[variable];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`cannot read ${file}: ${messageOf(error)}`);
  }
}

async function ask(http: HttpClient, url: URL, signal: AbortSignal): Promise<Json> {
  const answer = await http
    .send({ method: 'GET', url, operation: 'hub', limit: answerLimit }, signal)
    .catch((error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(`cannot ask the hub: ${messageOf(error)}`);
    });
  if (answer.status === 404) throw new NotInHub(`${url.host} has nothing at ${url.pathname}`);
  if (answer.status !== 200) throw new CommandError(`${url.host} answered ${answer.status} for ${url.pathname}`);
  try {
    const json: unknown = JSON.parse(answer.body.toString('utf8'));
    if (isJsonObject(json)) return json;
  } catch {
    // told below
  }
  throw new CommandError(`${url.host} is no hub of this type: its answer for ${url.pathname} is no JSON object`);
}
