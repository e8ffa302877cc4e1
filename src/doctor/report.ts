/** What is to be said of an installation: the page /system and `tektite doctor` show the same. */
export interface SystemReport {
  /** RFC 3339. */
  readAt: string;
  /** Version of the API server. */
  kubernetes?: string;
  /** In a sentence. */
  verdict: string;
  /** What somebody has to look at, the worst first. */
  findings: Finding[];
  roles: RoleState[];
  /** One for each work queue that replicas share. */
  leases: LeaseState[];
  queues: QueueState[];
  certificates: CertificateState[];
  /** What pods serve with, as far as they say. */
  served: ServedState[];
  settings: SettingsState[];
  /** What could not be read, and the right that was missing. */
  unread: Unread[];
}

export interface Finding {
  severity: 'problem' | 'warning';
  /** What it is about, such as `Deployment tekton-pipelines/tekton-pipelines-controller`. */
  about: string;
  text: string;
  /** What to do. */
  remedy: string;
}

/** A Deployment of the suite. */
export interface RoleState {
  namespace: string;
  name: string;
  /** Replicas. */
  wanted: number;
  ready: number;
  /** Empty: it does not say. */
  version: string;
  pods: PodState[];
}

export interface PodState {
  name: string;
  isReady: boolean;
  restarts: number;
  node: string;
  /** RFC 3339; empty before the start. */
  started: string;
}

/** The leases of one work queue, by its name without the number of the bucket. */
export interface LeaseState {
  namespace: string;
  name: string;
  /** How many parts it is in, and how many of them somebody holds. */
  buckets: number;
  held: number;
  holders: string[];
  /** Nobody holds any part, and whoever did gave it back: a role that has nothing to do in it does so. */
  isGivenBack: boolean;
  /** When the last of them was renewed, RFC 3339; empty: never. */
  renewed: string;
}

/** A work queue of one pod. */
export interface QueueState {
  namespace: string;
  pod: string;
  name: string;
  /** Keys that wait. */
  depth: number;
  /** Seconds that the longest work under way has taken. */
  longestSeconds: number;
}

/** An authority that the API server trusts when it calls a webhook of the suite. */
export interface CertificateState {
  subject: string;
  /** Webhook configurations that trust it. */
  webhooks: string[];
  /** RFC 3339. */
  notBefore: string;
  notAfter: string;
}

/** The certificate that a pod serves with. */
export interface ServedState {
  namespace: string;
  pod: string;
  /** RFC 3339. */
  notBefore: string;
  notAfter: string;
}

/** A ConfigMap that a role is set with. */
export interface SettingsState {
  namespace: string;
  name: string;
  /** Keys that are set. */
  set: number;
  problems: number;
}

export interface Unread {
  /** In words, such as `Deployments in tekton-chains`. */
  what: string;
  /** As `kubectl auth can-i` takes it: `list deployments.apps -n tekton-chains`. */
  right: string;
  /** What the API server said. */
  message: string;
}
