import type { KubeObject, Resource } from '../kube/object.ts';
import type { WatchEvent } from '../kube/watch-connection.ts';

interface Cancellable {
  signal?: AbortSignal | undefined;
}
export interface Selection extends Cancellable {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** What the commands need of the API server: the public Kubernetes API and nothing else. KubeClient is one. */
export interface Cluster {
  get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, options?: Cancellable): Promise<T>;
  list<T extends KubeObject>(
    resource: Resource<T>,
    options?: Selection,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** Names alone, at most `limit` of them, in the API server's order. */
  names(resource: Resource, options: Cancellable & { namespace: string | undefined; limit: number }): Promise<string[]>;
  /** One connection: ends when the server ends it. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options: Selection & { resourceVersion: string },
  ): AsyncIterable<WatchEvent<T>>;
  /** With `metadata.generateName` the server chooses the name. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: Cancellable): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    patch: { type: 'json'; body: unknown } & Cancellable,
  ): Promise<T>;
  delete(resource: Resource, namespace: string, name: string, options?: Cancellable): Promise<unknown>;
  /** What is at a path, as text. */
  raw(method: 'GET', path: string, options?: { signal: AbortSignal; attempts?: number }): Promise<string>;
  podLogs(
    namespace: string,
    pod: string,
    options: { container: string; follow: boolean; timestamps: boolean; tailLines?: number } & Cancellable,
  ): AsyncIterable<Uint8Array>;
}

/** A cluster and the namespace that its context names. */
export interface Connection {
  cluster: Cluster;
  namespace: string;
  close: () => Promise<void>;
}

/** Which cluster: the values of --kubeconfig and --context, empty when not given. */
export interface ConnectionChoice {
  kubeconfig: string;
  context: string;
}
