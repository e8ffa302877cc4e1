import { ByteBudget } from '../../http/byte-budget.ts';
import type { HttpAnswer } from '../../http/client.ts';
import type { RemoteFetch, RemoteRequest } from '../remote.ts';
import { refused } from '../remote.ts';
import { ResolutionError, type ConfigData } from '../resolver.ts';
import { readPack, type GitObject } from './pack.ts';
import { ProtocolError, lineOf, packetLines, packetsOf, type Packet } from './pkt-line.ts';

/** A repository as its server announces it. */
export interface Advertisement {
  /** Where the repository is, after redirects. */
  base: string;
  version: 0 | 2;
  capabilities: ReadonlySet<string>;
  hash: 'sha1' | 'sha256';
  /** Version 0 lists all refs at once; here are those that were asked for. */
  refs: ReadonlyMap<string, string>;
}

export interface GitServerOptions {
  remote: RemoteFetch;
  /** What answers and objects may come to in this reading. Who made it releases it when the reading is over. */
  budget: ByteBudget;
  config: ConfigData;
  configName: string;
}

/** Bytes of an answer that lists refs, and of a pack. */
const listLimit = 16 * 1024 * 1024;
const packLimit = 64 * 1024 * 1024;
/** Of one reading: a pack and what packs unpack to. */
export const readingLimit = packLimit + 128 * 1024 * 1024;

/**
 * Git's smart HTTP protocol, versions 2 and 0, as far as reading one file of one commit needs it (gitprotocol-v2,
 * gitprotocol-http). All requests go through RemoteFetch and its rules.
 */
export class GitServer {
  readonly #options: GitServerOptions;
  readonly #url: URL;
  readonly #authorization: string | undefined;

  constructor(url: URL, authorization: string | undefined, options: GitServerOptions) {
    this.#url = url;
    this.#authorization = authorization;
    this.#options = options;
  }

  /**
   * The repository, with those of these refs that it lists at once.
   * @throws ResolutionError when there is no repository, or it is not for whoever asks.
   */
  async advertisement(names: readonly string[], signal: AbortSignal): Promise<Advertisement> {
    const base = this.#url.href.replace(/\/+$/, '');
    return this.#within(listLimit, async (budget) => {
      const first = await this.#discover(base, budget, signal);
      // Headers stay at the first server: the one that it led to is asked for version 2 itself.
      if (first.url.origin === this.#url.origin) return this.#read(first, names);
      budget.release();
      return this.#read(await this.#discover(baseOf(first.url), budget, signal), names);
    });
  }

  /** Refs of these names, with `name^{}` for what an annotated tag names. */
  async refs(
    repository: Advertisement,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    if (repository.version === 0) return repository.refs;
    const lines = names.map((prefix) => `ref-prefix ${prefix}`);
    const body = packetLines('command=ls-refs', ...this.#capabilities(repository), undefined, 'peel', ...lines, null);
    return this.#within(listLimit, async (budget) => {
      const answer = await this.#post(repository, body, budget, signal);
      return this.#parsed(() => refsOf(dataOf(packetsOf(answer)).map(lineOf), names));
    });
  }

  /**
   * Objects that the server sends for one name: with `alone` nothing but it, else the commit with its whole tree, but
   * never its history.
   */
  async fetch(
    repository: Advertisement,
    name: string,
    alone: boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, GitObject>> {
    const body = fetchBody(repository, name, alone, this.#capabilities(repository));
    return this.#within(packLimit, async (budget) => {
      const answer = await this.#post(repository, body, budget, signal);
      try {
        const pack = packOf(packetsOf(answer), repository.version);
        return await readPack(pack, { budget: this.#options.budget, hash: repository.hash }, signal);
      } catch (error) {
        if (error instanceof ProtocolError) throw this.#malformed(error);
        throw error;
      }
    });
  }

  /** An answer counts until it has been read; what stays of it is counted by itself. */
  async #within<T>(bytes: number, work: (budget: ByteBudget) => Promise<T>): Promise<T> {
    const budget = new ByteBudget(bytes, this.#options.budget);
    try {
      return await work(budget);
    } finally {
      budget.release();
    }
  }

  #capabilities({ version, hash }: Advertisement): string[] {
    return version === 2 ? ['agent=tektite', `object-format=${hash}`] : [];
  }

  async #discover(base: string, budget: ByteBudget, signal: AbortSignal): Promise<HttpAnswer> {
    const url = new URL(`${base}/info/refs?service=git-upload-pack`);
    const answer = await this.#send({ url, limit: budget.limit, budget, operation: 'git-refs' }, signal);
    if (answer.status === 401 || answer.status === 403)
      throw new ResolutionError(
        `error resolving repository: clone error: authentication required: ${url.host} answered ${answer.status} for ${base}; ${this.#authorization === undefined ? 'name a secret with a token in param gitToken, or correct the address' : 'the token in the secret that gitToken names is not enough'}`,
      );
    if (answer.status === 404)
      throw new ResolutionError(
        `error resolving repository: git clone error: fatal: repository '${base}/' not found: exit status 128: ${url.host} answered 404; correct param url, or name a secret in gitToken if the repository is private`,
      );
    if (answer.status !== 200) throw refused(url, answer);
    return answer;
  }

  #read(answer: HttpAnswer, names: readonly string[]): Advertisement {
    const type = answer.headers['content-type']?.split(';')[0]?.trim();
    if (type !== 'application/x-git-upload-pack-advertisement')
      throw new ResolutionError(
        `error resolving repository: ${answer.url.host} does not speak git's smart HTTP protocol at ${baseOf(answer.url)} (it answered with ${type ?? 'no content type'}); give the address that "git clone" takes`,
      );
    return this.#parsed(() => advertisementOf(baseOf(answer.url), packetsOf(answer.body), names));
  }

  async #post(repository: Advertisement, body: Buffer, budget: ByteBudget, signal: AbortSignal): Promise<Buffer> {
    const url = new URL(`${repository.base}/git-upload-pack`);
    const headers = {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
    };
    const answer = await this.#send(
      { url, method: 'POST', body, headers, limit: budget.limit, budget, operation: 'git-pack' },
      signal,
    );
    if (answer.status !== 200) throw refused(url, answer);
    return answer.body;
  }

  #send(
    request: Omit<RemoteRequest, 'config' | 'configName' | 'authorization'>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { remote, config, configName } = this.#options;
    const isOwn = request.url.origin === this.#url.origin;
    return remote.send(
      {
        ...request,
        config,
        configName,
        headers: { ...request.headers, 'git-protocol': 'version=2' },
        authorization: isOwn ? this.#authorization : undefined,
        // Who was led to by the first server may not be inside, whoever that is.
        ...(isOwn ? {} : { config: {} }),
      },
      signal,
    );
  }

  #parsed<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ProtocolError) throw this.#malformed(error);
      throw error;
    }
  }

  #malformed(error: ProtocolError): ResolutionError {
    return new ResolutionError(`git fetch error: ${this.#url.host}: ${error.message}`, { cause: error });
  }
}

function baseOf(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/info\/refs$/, '')}`;
}

function dataOf(packets: readonly Packet[]): Buffer[] {
  const data = packets.flatMap((packet) => (packet.kind === 'data' ? [packet.data] : []));
  const told = data.find((line) => line.toString('latin1', 0, 4) === 'ERR ');
  if (told !== undefined)
    throw new ProtocolError(`fatal: remote error: ${shown(lineOf(told).slice(4))}: exit status 128`);
  return data;
}

/** A server's own words, short and in one line. */
function shown(words: string): string {
  return words.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
}

function advertisementOf(base: string, packets: readonly Packet[], names: readonly string[]): Advertisement {
  const lines = dataOf(packets).filter((line) => !line.toString('latin1').startsWith('# service='));
  if (lines[0] !== undefined && lineOf(lines[0]) === 'version 2') {
    const capabilities = new Set(lines.slice(1).map(lineOf));
    const hash = capabilities.has('object-format=sha256') ? 'sha256' : 'sha1';
    return { base, version: 2, capabilities, hash, refs: new Map() };
  }
  const [head = '', rest = ''] = (lines[0]?.toString('utf8') ?? '').split('\0');
  const capabilities = new Set(rest.trim().split(' '));
  const hash = capabilities.has('object-format=sha256') ? 'sha256' : 'sha1';
  const refs = refsOf([head, ...lines.slice(1).map(lineOf)], names);
  return { base, version: 0, capabilities, hash, refs };
}

/** Of the refs that are listed those of these names: a server lists as many as it likes. */
function refsOf(lines: readonly string[], names: readonly string[]): Map<string, string> {
  const wanted = new Set(names.flatMap((name) => [name, `${name}^{}`]));
  const refs = new Map<string, string>();
  for (const line of lines) {
    const [, object, name = '', rest = ''] = /^([0-9a-f]{40,64}) (\S+)(.*)$/.exec(line) ?? [];
    if (object === undefined || !wanted.has(name)) continue;
    refs.set(name, object);
    const peeled = /(?:^| )peeled:([0-9a-f]{40,64})/.exec(rest)?.[1];
    if (peeled !== undefined) refs.set(`${name}^{}`, peeled);
  }
  return refs;
}

/** Whether single objects can be had: a filter for the rest, and the right to name objects that no ref names. */
export function sendsSingleObjects({ version, capabilities }: Advertisement): boolean {
  if (version === 0) return capabilities.has('filter') && capabilities.has('allow-any-sha1-in-want');
  return [...capabilities].some((each) => each.startsWith('fetch=') && each.slice(6).split(' ').includes('filter'));
}

function fetchBody(repository: Advertisement, name: string, alone: boolean, capabilities: readonly string[]): Buffer {
  const filter = alone ? ['filter tree:0'] : [];
  if (repository.version === 2)
    return packetLines(
      'command=fetch',
      ...capabilities,
      undefined,
      'ofs-delta',
      'no-progress',
      `want ${name}`,
      'deepen 1',
      ...filter,
      'done',
      null,
    );
  const known = ['ofs-delta', 'side-band-64k', 'no-progress', 'shallow', ...(alone ? ['filter'] : [])];
  const asked = known.filter((each) => repository.capabilities.has(each)).join(' ');
  return packetLines(`want ${name} ${asked}`, 'deepen 1', ...filter, null, 'done');
}

/** The pack in the answer to a fetch: what came on side band 1. */
function packOf(packets: readonly Packet[], version: 0 | 2): Buffer {
  const lines = dataOf(packets);
  const begins = lines.findIndex((line) =>
    version === 2 ? lineOf(line) === 'packfile' : /^(NAK|ACK)/.test(lineOf(line)),
  );
  if (begins < 0) throw new ProtocolError('the answer holds no pack');
  const bands = lines.slice(begins + 1);
  const failure = bands.find((line) => line[0] === 3);
  if (failure !== undefined) throw new ProtocolError(`fatal: remote error: ${shown(failure.toString('utf8', 1))}`);
  return Buffer.concat(bands.filter((line) => line[0] === 1).map((line) => line.subarray(1)));
}
