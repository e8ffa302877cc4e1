import { createHash } from 'node:crypto';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import type { Clock } from '../../clock.ts';
import { labels } from '../../core/labels.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import type { Outcome } from '../../kube/controller.ts';
import { keyOf, type KubeObject, type Resource } from '../../kube/object.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../log.ts';
import { annotations, type RunKind } from '../annotations.ts';
import { parseChainsConfig } from '../config/parse.ts';
import type { ChainsConfig } from '../config/settings.ts';
import { reportsArtifacts } from '../formats/index.ts';
import { envelopeOf } from '../signing/dsse.ts';
import type { Signature } from '../signing/signer.ts';
import type { BackendName } from '../types.ts';
import type { LogEntry } from '../log-entry.ts';
import {
  inTotoPayloadType,
  simpleSigningPayloadType,
  type Artifact,
  type FormatProblem,
  type ImageSubject,
  type Payload,
  type RunObject,
} from '../types.ts';
import { writeMark } from '../plan/mark.ts';
import type { RunState } from '../plan/run.ts';
import { createSeal, type Seal } from '../plan/seal.ts';
import type { FailureType, ReconcilerOptions, Services } from './options.ts';
import { createChainsReconciler } from './reconciler.ts';

export const runs = {
  taskrun: taskRuns as unknown as Resource<RunObject>,
  pipelinerun: pipelineRuns as unknown as Resource<RunObject>,
};
export const start = new Date('2026-01-01T00:01:00Z');

export function taskRun(
  name: string,
  more: Partial<TaskRun['metadata']> & { status?: TaskRun['status']; spec?: TaskRun['spec'] } = {},
): TaskRun {
  const { status, spec, ...metadata } = more;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: {
      name,
      namespace: 'ns',
      uid: `uid-${name}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      // As pipelineRun's references name it.
      ...(metadata.ownerReferences ? { labels: { [labels.pipelineTask]: name } } : {}),
      ...metadata,
    },
    spec: spec ?? {},
    status: status ?? { conditions: [{ type: 'Succeeded', status: 'True' }], completionTime: '2026-01-01T00:00:59Z' },
  };
}

export function pipelineRun(
  name: string,
  children: string[],
  more: Partial<PipelineRun['metadata']> & { status?: PipelineRun['status'] } = {},
): PipelineRun {
  const { status, ...metadata } = more;
  const childReferences = children.map((child) => ({
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    name: child,
    pipelineTaskName: child,
  }));
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: {},
    status: {
      conditions: [{ type: 'Succeeded', status: 'True' }],
      completionTime: '2026-01-01T00:00:59Z',
      childReferences,
      ...status,
    },
  };
}

export function childOf(parent: string): Pick<TaskRun['metadata'], 'ownerReferences'> {
  return {
    ownerReferences: [
      { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: parent, uid: `uid-${parent}`, controller: true },
    ],
  };
}

/** Of the world's Chains; nothing had ended when its key was made. */
export const seal: Seal = createSeal(new Uint8Array(32).fill(7), new Date('2020-01-01T00:00:00Z'));

/** What Chains writes on a run that it has concluded. */
export function concluded(uid: string, kind: 'signed' | 'failed' = 'signed'): Record<string, string> {
  return {
    [annotations.signed]: kind === 'signed' ? 'true' : 'failed',
    [annotations.mark]: writeMark({ kind }, uid, seal),
  };
}

/** What a call outside the process does before it answers. */
export type Disturb = (what: string) => void | Promise<void>;

/**
 * An API server, a log and backends in memory, and a chains process that can die: `restart` makes a new one that knows
 * only what was written. Signatures are random, as ECDSA's.
 */
export class World {
  readonly client = new FakeKubeClient();
  /** Log entries: digest of the payload and the signature of each. */
  readonly logged: { payload: string; signature: string }[] = [];
  /** What each backend was given, in order; the same payload with the same signature is stored once. */
  readonly stored: { backend: string; artifact: string; payload: string; signature: string; withLogEntry: boolean }[] =
    [];
  readonly events: { type: string; reason: string; message: string }[] = [];
  readonly counts: Record<string, number> = {};
  readonly calls: string[] = [];
  readonly timestamped: string[] = [];
  readonly timestampsStored: ('envelope' | 'signature' | 'none')[] = [];
  now = start.getTime();
  signatures = 0;
  config: ChainsConfig;
  /** Throws to make a call fail; called before and (with "after ") after its effect. */
  disturb: Disturb = () => undefined;
  formats: Services['artifactsOf'] = (run) => artifactsOf(run);
  trustBundle: Services['trustBundle'] = () => Promise.resolve(undefined);
  /** What signatures begin with; another one is a rotated key. */
  key = 'key';
  provePush: (image: ImageSubject) => Promise<void> = () => Promise.resolve();
  /** Real services in place of those in memory. */
  real: Partial<Services> = {};
  refuses: Partial<Record<BackendName, string>> = {};
  #stores = { taskrun: new Store<RunState>(), pipelinerun: new Store<RunState>() };

  /** Runs here have no records, unless a test makes some. */
  constructor(data: Record<string, string> = {}) {
    this.config = parseChainsConfig({ 'artifacts.unrecorded': 'sign', ...data }).config;
    this.client.intercept = (call) => this.disturb(`${call.verb} ${call.resource}`);
  }

  add(...objects: (TaskRun | PipelineRun)[]): void {
    for (const object of objects) this.client.seed(runs[kindOf(object)], object);
  }

  get(run: TaskRun | PipelineRun): RunObject | undefined {
    return this.#stores[kindOf(run)].get(keyOf(run)) as RunObject | undefined;
  }

  /** The process as it is after its start: caches from a fresh list. */
  async sync(): Promise<void> {
    const { intercept } = this.client;
    this.client.intercept = undefined;
    for (const kind of ['taskrun', 'pipelinerun'] as const) {
      this.#stores[kind] = new Store<RunState>();
      const { items, resourceVersion } = await this.client.list(runs[kind]);
      this.#stores[kind].replace(items, resourceVersion);
    }
    this.client.intercept = intercept;
  }

  async reconcile(run: TaskRun | PipelineRun, signal: AbortSignal = new AbortController().signal): Promise<Outcome> {
    await this.sync();
    return createChainsReconciler(this.#options(kindOf(run)))(keyOf(run), signal);
  }

  #options(kind: RunKind): ReconcilerOptions {
    const clock: Clock = { now: () => new Date(this.now), monotonic: () => this.now, sleep: () => Promise.resolve() };
    const count = (name: string) => {
      this.counts[name] = (this.counts[name] ?? 0) + 1;
    };
    return {
      kind,
      resource: runs[kind],
      client: this.#client(),
      caches: { taskRuns: this.#stores.taskrun, pipelineRuns: this.#stores.pipelinerun },
      settings: () => this.config,
      seal,
      services: { ...this.#services(), ...this.real },
      clock,
      random: () => 0.5,
      log: silentLogger,
      events: {
        event: (_target, type, reason, message) => {
          this.events.push({ type, reason, message });
        },
      },
      metrics: {
        signCreated: (of) => count(`${of} sign_created`),
        payloadUploaded: (of) => count(`${of} payload_uploaded`),
        payloadStored: (of) => count(`${of} payload_stored`),
        markedSigned: (of) => count(`${of} marked_signed`),
        markedFailed: (of) => count(`${of} marked_failed`),
        failed: (of: RunKind, type: FailureType) => count(`${of} failures ${type}`),
        storing: (backend, outcome) => count(`storing ${backend} ${outcome}`),
      },
    };
  }

  /** Writes that reach the server and whose answer is lost, too. */
  #client(): ReconcilerOptions['client'] {
    return {
      get: async (resource, namespace, name) => this.client.get(resource, namespace, name),
      patch: async <T extends KubeObject>(
        resource: Resource<T>,
        namespace: string | undefined,
        name: string,
        patch: Parameters<FakeKubeClient['patch']>[3],
      ) => {
        const written = await this.client.patch(resource, namespace, name, patch);
        await this.disturb(`after patch ${resource.plural}`);
        return written;
      },
    };
  }

  #services(): Services {
    return {
      reportsArtifacts,
      artifactsOf: (run, children, config, nested) => this.formats(run, children, config, nested),
      trustBundle: (config, signal) => this.trustBundle(config, signal),
      provePush: (_run, image) => this.provePush(image),
      signer: async (kind, _pass, chosen) => ({
        description: chosen ? `test key ${JSON.stringify(chosen)}` : 'test key',
        sign: async (payload) => {
          await this.#call(`sign ${kind}`);
          return signatureOf(payload, `${this.key} signature ${++this.signatures}`);
        },
        made: async (payload, { signature }) => {
          const { key } = this;
          return text(signature).startsWith(`${key} `) && text(signature).endsWith(` of ${digest(payload.json)}`);
        },
      }),
      log: () => ({ upload: (payload, signature) => this.#upload(payload, signature) }),
      timestampAuthority: () => ({
        timestamp: async (message) => {
          await this.#call('timestamp');
          this.timestamped.push(text(message));
          return Buffer.from('time');
        },
      }),
      backend: async (name) => ({
        name,
        refuses: () => this.refuses[name],
        store: async ({ artifact, signature, logEntry, timestamp, envelopeTimestamp }) => {
          await this.#call(`store ${name}`);
          this.timestampsStored.push(envelopeTimestamp ? 'envelope' : timestamp ? 'signature' : 'none');
          const one = {
            backend: name,
            artifact: artifact.shortKey,
            payload: digest(artifact.payload.json),
            signature: text(signature.signature),
            withLogEntry: logEntry !== undefined,
          };
          const known = this.stored.find(
            (other) => other.backend === name && other.payload === one.payload && other.signature === one.signature,
          );
          if (!known) this.stored.push(one);
          await this.#call(`after store ${name}`);
        },
      }),
    };
  }

  async #upload(payload: Payload, signature: Signature): Promise<LogEntry> {
    await this.#call('upload');
    const entry = { payload: digest(payload.json), signature: text(signature.signature) };
    let index = this.logged.findIndex(
      (other) => other.payload === entry.payload && other.signature === entry.signature,
    );
    if (index === -1) index = this.logged.push(entry) - 1;
    await this.#call('after upload');
    return {
      url: `https://rekor.example/api/v1/log/entries?logIndex=${index}`,
      logIndex: String(index),
    } as unknown as LogEntry;
  }

  async #call(what: string): Promise<void> {
    this.calls.push(what);
    await this.disturb(what);
  }
}

function kindOf(run: { kind?: string | undefined }): RunKind {
  return run.kind === 'TaskRun' ? 'taskrun' : 'pipelinerun';
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function signatureOf(payload: Payload, words: string): Signature {
  const signature = Buffer.from(`${words} of ${digest(payload.json)}`);
  const common = {
    signature,
    publicKeyPem: 'key',
    keyId: 'SHA256:x',
    algorithm: 'ecdsa-p256-sha256',
    scheme: 'ecdsa' as const,
    hash: 'sha256' as const,
  };
  return payload.wrap
    ? { ...common, envelope: envelopeOf(payload.payloadType, payload.json, signature, 'SHA256:x') }
    : common;
}

/** An attestation that tells of the run's labels, and an image for each result named IMAGE. */
export function artifactsOf(run: RunObject): { artifacts: Artifact[]; problems: FormatProblem[] } {
  const kind = kindOf(run);
  const { uid = '', labels: runLabels, annotations: runAnnotations } = run.metadata;
  const statement: Payload = {
    json: Buffer.from(JSON.stringify({ uid, labels: runLabels, annotations: runAnnotations })),
    payloadType: inTotoPayloadType,
    predicateType: 'p',
    wrap: true,
    subjects: [],
  };
  const images = (run.status?.results ?? [])
    .filter(({ name }) => name.startsWith('IMAGE'))
    .map<Artifact>(({ value }) => ({
      kind: 'oci',
      shortKey: String(value),
      fullKey: `r/i@${String(value)}`,
      payload: {
        json: Buffer.from(String(value)),
        payloadType: simpleSigningPayloadType,
        wrap: false,
        subjects: [{ repository: 'r/i', digest: String(value) }],
      },
    }));
  return {
    artifacts: [
      { kind, shortKey: `${kind}-${uid}`, fullKey: `tekton.dev-v1-${run.kind}-${uid}`, payload: statement },
      ...images,
    ],
    problems: [],
  };
}
