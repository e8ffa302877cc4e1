/**
 * What the dashboard's server and its page say to each other, beside the proxied API: both import these types, and
 * nothing here has code that runs in one of them alone.
 */

/** Answer of `GET /v1/system`, read with the caller's rights. */
export type {
  CertificateState,
  Finding,
  LeaseState,
  PodState,
  QueueState,
  RoleState,
  ServedState,
  SettingsState,
  SystemReport,
  Unread,
} from '../doctor/report.ts';

/** The word that a list shows for a run. */
export type RunStatus = 'pending' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed-out';

export const runStatuses: readonly RunStatus[] = [
  'pending',
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'timed-out',
];

/** A run in a list: what one line shows and filters by, and no more, for 10,000 of them are kept. */
export interface RunSummary {
  kind: 'PipelineRun' | 'TaskRun';
  namespace: string;
  name: string;
  uid: string;
  /** Of the object as the server saw it: a page that has a newer one ignores this. */
  resourceVersion: string;
  status: RunStatus;
  /** Reason of condition Succeeded, as Tekton has it. */
  reason: string;
  /** Message of condition Succeeded, cut to 200 characters. */
  message: string;
  /** Name of the Pipeline or Task; missing for embedded specs. */
  definition?: string;
  /** What started it: documented labels and annotations of event, commit, branch and person, cut to 200 characters. */
  startedBy: StartedBy;
  /** RFC 3339. */
  created: string;
  started?: string;
  finished?: string;
  /** Milliseconds that runs of this definition in this namespace take: the median of the last finished ones. */
  usualMilliseconds?: number;
  /** What Chains says in `chains.tekton.dev/signed`; verified only on the page of the run. */
  signed: 'yes' | 'failed' | 'no';
  /** At most 20, cut to 63 characters each: filters are answered from the whole set. */
  labels: Record<string, string>;
}

/** Who or what started a run, each part where it is known. */
export interface StartedBy {
  /** EventListener and trigger, such as `github/push`. */
  trigger?: string;
  event?: string;
  repository?: string;
  commit?: string;
  branch?: string;
  person?: string;
  /** RFC 3339: the time of a trigger's schedule that it was started for. */
  scheduledTime?: string;
  /** The run that it repeats. */
  rerunOf?: string;
}

/** Query of `GET /v1/runs` and `GET /v1/runs/changes`, all optional; lists are comma-separated. */
export interface RunQuery {
  /** Namespaces; all that the caller may list when it is missing. */
  ns?: string;
  status?: string;
  /** Name of the Pipeline, or of the Task for TaskRuns. */
  pipeline?: string;
  /** PipelineRun or TaskRun. */
  kind?: string;
  /** Text in name, definition, commit, branch or person, without regard to case. */
  q?: string;
  /** A label selector as kubectl takes it. */
  label?: string;
  by?: string;
  /** How many, 1 to 500; 100 when it is missing. */
  limit?: string;
  /** `next` of the page before. */
  after?: string;
}

/** Answer of `GET /v1/runs`: newest first. */
export interface RunPage {
  items: RunSummary[];
  /** All that match. */
  total: number;
  /** By status, of all that match but for the filter by status. */
  counts: Record<RunStatus, number>;
  /** For `after` of the next page; missing on the last. */
  next?: string;
}

/** How a Pipeline or Task was used: by the runs that the server knows of. TaskRuns of pipelines are not among them. */
export interface DefinitionUse {
  kind: 'Pipeline' | 'Task';
  namespace: string;
  name: string;
  /** The newest run. */
  last: RunSummary;
  /** Runs by status. */
  counts: Record<RunStatus, number>;
}

/** Answer of `GET /v1/definitions`, which takes the query of `GET /v1/runs`: the most recently used first. */
export interface DefinitionUses {
  items: DefinitionUse[];
  /** There were more than are told of. */
  isCut: boolean;
}

/**
 * Server-sent events of `GET /v1/runs/changes`, from the moment of the call on: event `ready` once it listens, then
 * `change` with one of these as JSON. A run that no longer matches the query is `removed`.
 */
export type RunChange = { type: 'changed'; run: RunSummary } | { type: 'removed'; uid: string };

/** A run that waits in a queue for its turn. */
export interface WaitingRun {
  namespace: string;
  name: string;
  uid: string;
  definition?: string;
  startedBy: StartedBy;
  /** RFC 3339: it waits since then. */
  created: string;
  /** Counted from one. */
  place: number;
  priority: number;
  /** Name of the run whose turn comes before its own; missing for the first. */
  behind?: string;
  /** Why the controller could not find out its place. */
  problem?: string;
}

/** Runs of one namespace that wait for each other. */
export interface RunQueue {
  namespace: string;
  /** Of the rule or annotations, with the key's values, as the controller says it; empty: it did not say. */
  title: string;
  /** So many run at the same time; missing while the controller does not say. */
  limit?: number;
  /** Those that hold it up, as far as they are named, with what became of them since. */
  running: { name: string; status?: RunStatus }[];
  moreRunning: number;
  /** All that wait here; `runs` are those that were asked for, in their order. */
  waiting: number;
  runs: WaitingRun[];
}

/** Answer of `GET /v1/queue`, which takes ns, q, pipeline, label and by of RunQuery: the longest queue first. */
export interface QueuePage {
  queues: RunQueue[];
  /** Runs that wait and are asked for, of all queues. */
  waiting: number;
  /** There were more than are told of. */
  isCut: boolean;
  missing: MissingRight[];
}

/** A right that the caller lacks and that would show more, as `list pipelineruns.tekton.dev in namespace shop`. */
export type MissingRight = string;

/** What Chains says of a run. */
export type Signed = RunSummary['signed'];

/** A run that says that it made an image. */
export interface ArtifactRun {
  kind: 'PipelineRun' | 'TaskRun';
  namespace: string;
  name: string;
  /** The PipelineRun of a TaskRun. */
  pipelineRun?: string;
  definition?: string;
  /** RFC 3339: its end, or its creation while it has none. */
  at: string;
  signed: Signed;
  /** A statement about this image that is kept with the run; missing: there is none. */
  attestation?: ImageAttestation;
}

export interface ImageAttestation {
  builder?: string;
  verification: Attestation['verification'];
  /** http(s) address of its entry in a transparency log. */
  log?: string;
}

/** An image by its digest, and the runs that made it, newest first. */
export interface BuiltImage {
  name: string;
  digest: string;
  /** The newest run. */
  at: string;
  signed: Signed;
  runs: ArtifactRun[];
  moreRuns: number;
}

/** Query of `GET /v1/artifacts`, all optional; lists are comma-separated. */
export interface ArtifactQuery {
  ns?: string;
  /** Text in the image's name or digest or in the names of its runs, without regard to case. */
  q?: string;
  signed?: string;
  /** How many, 1 to 500; 100 when it is missing. */
  limit?: string;
}

/** Answer of `GET /v1/artifacts`: newest first. `GET /v1/artifacts/changes` says when to ask again. */
export interface ArtifactPage {
  items: BuiltImage[];
  total: number;
  /** Of all that match but for the filter by `signed`. */
  counts: Record<Signed, number>;
  missing: MissingRight[];
}

/** Answer of `GET /v1/properties`: upstream's keys, which its own page reads too. */
export interface Properties {
  dashboardNamespace: string;
  dashboardVersion: string;
  pipelinesNamespace: string;
  pipelinesVersion: string;
  triggersNamespace?: string;
  triggersVersion?: string;
  /** Where their settings are. Ours. */
  chainsNamespace: string;
  resolversNamespace: string;
  isReadOnly: boolean;
  logoutURL?: string;
  externalLogsURL?: string;
  streamLogs: boolean;
  tenantNamespaces: string[];
  defaultNamespace?: string;
  /** Whoever asks has signed in at the page. */
  hasSession: boolean;
}

/** Answer of `GET /v1/runs/NAMESPACE/NAME/provenance?kind=PipelineRun`. */
export interface RunProvenance {
  /** What Chains says of the run, or why there is nothing. */
  signed: 'yes' | 'failed' | 'no';
  attestations: Attestation[];
  /** Why something is missing, each a sentence that says the way out. */
  problems: string[];
}

/** One signed statement, and what the server found when it verified it just now. */
export interface Attestation {
  /** Where it was read: an image reference, or the annotation of the run. */
  from: string;
  predicateType: string;
  builder?: string;
  subjects: { name: string; digest: string }[];
  materials: { uri: string; digest: string }[];
  parameters: Record<string, unknown>;
  transparencyLog?: { url: string; index: string };
  verification: { verified: true; against: string } | { verified: false; why: string };
  /** The statement as it was signed. */
  statement: unknown;
}

/** Every refusal: the status tells the class, this tells what, by whom and the way out. */
export interface Refusal {
  message: string;
}
