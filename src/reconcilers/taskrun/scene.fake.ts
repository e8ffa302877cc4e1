import type { Task, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun, TaskRunSpec, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { tasks } from '../../api/resources.ts';
import { FakeClock } from '../../clock.fake.ts';
import type { ImageLookup } from '../../core/pod/image.ts';
import { settingsOf, taskRunOf } from '../../core/pod/pod.fake.ts';
import type { PodStatus } from '../../core/pod/types.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { limitRanges, pods, serviceAccounts, type LimitRange, type Pod } from '../../kube/resources.ts';
import { Store } from '../../kube/store.ts';
import { noIdentities } from './identities.fake.ts';
import type { Identities } from './identities.ts';
import { taskRunResource } from './apply.ts';
import { byController, controllerIndex } from '../../kube/owners.ts';
import { createTaskRunReconciler } from './reconciler.ts';

export const spec: TaskSpec = { steps: [{ name: 'one', image: 'x', command: ['y'] }] };

/** A cluster in memory with one reconciler; stores are brought up to date only by `sync`, as a slow watch would. */
export class Scene {
  readonly client = new FakeKubeClient();
  readonly clock = new FakeClock('2026-01-01T00:00:10Z');
  readonly events: string[] = [];
  readonly stores = {
    taskRuns: new Store<TaskRun>({ freeze: true }),
    pods: new Store<Pod>({ freeze: true, indexes: { [byController]: controllerIndex } }),
    tasks: new Store<Task>(),
    limitRanges: new Store<LimitRange>(),
  };
  imageLookup: ImageLookup = () => Promise.reject(new Error('nobody asks for images here'));
  identities: Identities = noIdentities;
  readonly logged: string[] = [];
  flags: Record<string, string> = {};

  constructor() {
    this.client.creationTimestamp = '2026-01-01T00:00:10Z';
    this.client.seed(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } });
  }

  run(
    given: TaskRunSpec = { taskSpec: spec },
    status?: TaskRunStatus,
    metadata: Partial<TaskRun['metadata']> = {},
  ): this {
    const own = {
      labels: { 'app.kubernetes.io/managed-by': 'tekton-pipelines' },
      annotations: { 'pipeline.tekton.dev/release': 'v0.1.0' },
    };
    this.client.seed(taskRunResource, taskRunOf(given, status, { ...own, ...metadata }));
    return this;
  }

  async sync(): Promise<this> {
    const all = async <T extends KubeObject>(resource: Resource<T>, store: Store<T>) => {
      const { items, resourceVersion } = await this.client.list(resource);
      store.replace(items, resourceVersion);
    };
    await all(taskRunResource, this.stores.taskRuns);
    await all(pods, this.stores.pods);
    await all(tasks, this.stores.tasks);
    await all(limitRanges, this.stores.limitRanges);
    return this;
  }

  reconcile(signal = new AbortController().signal) {
    const reconciler = createTaskRunReconciler({
      client: this.client,
      stores: this.stores,
      settings: () => settingsOf(this.flags),
      clock: this.clock,
      imageLookup: (...args) => this.imageLookup(...args),
      identities: this.identities,
      events: { event: (_target, type, reason) => this.events.push(`${type} ${reason}`) },
      log: { info: (_fields: unknown, line?: string) => void this.logged.push(String(line)) },
    });
    return reconciler('ns/run', signal);
  }

  /** The kubelet's doing. */
  async podBecomes(status: PodStatus, name = 'run-pod'): Promise<void> {
    const pod = await this.client.get(pods, 'ns', name);
    this.client.seed(pods, { ...pod, status } as Pod);
    await this.sync();
  }

  get writes(): string[] {
    return this.client.writes.map(({ verb, resource, subresource, key }) =>
      [verb, subresource ? `${resource}/${subresource}` : resource, key.slice(3)].join(' '),
    );
  }

  async stored(): Promise<TaskRun> {
    return this.client.get(taskRunResource, 'ns', 'run');
  }

  async reason(): Promise<string> {
    const condition = (await this.stored()).status?.conditions?.[0];
    return `${condition?.status} ${condition?.reason}`;
  }
}

export async function scene(prepare: (one: Scene) => void = (one) => void one.run()): Promise<Scene> {
  const one = new Scene();
  prepare(one);
  return one.sync();
}
