import type { Pipeline } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Task } from '../../api/pipeline/v1/task.ts';
import type { CustomRun } from '../../api/pipeline/v1beta1/customrun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelines, tasks } from '../../api/resources.ts';
import { FakeClock } from '../../clock.fake.ts';
import { pipelineRun, settings } from '../../core/pipelinerun/simulation.fake.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../log.ts';
import { unfinishedIn, unfinishedIndex } from './admission.ts';
import { customRunResource, pipelineRunResource, taskRunResource } from './children.ts';
import { byController, controllerIndex } from '../../kube/owners.ts';
import { createPipelineRunReconciler } from './reconciler.ts';

/** A controller over an API server in memory. `restart` loses everything the process knew. */
export class World {
  readonly client = new FakeKubeClient();
  readonly clock = new FakeClock('2026-01-01T00:00:01Z');
  readonly events: string[] = [];
  settings = settings;
  readonly stores = {
    pipelineRuns: new Store<PipelineRun>({
      freeze: true,
      indexes: { [byController]: controllerIndex, [unfinishedIn]: unfinishedIndex },
    }),
    taskRuns: new Store<TaskRun>({ freeze: true, indexes: { [byController]: controllerIndex } }),
    customRuns: new Store<CustomRun>({ freeze: true, indexes: { [byController]: controllerIndex } }),
    pipelines: new Store<Pipeline>({ freeze: true }),
    tasks: new Store<Task>({ freeze: true }),
  };

  async watch(): Promise<void> {
    const load = async <T extends KubeObject>(store: Store<T>, resource: Resource<T>) => {
      const { items, resourceVersion } = await this.client.list(resource);
      store.replace(items, resourceVersion);
    };
    await load(this.stores.pipelineRuns, pipelineRunResource);
    await load(this.stores.taskRuns, taskRunResource);
    await load(this.stores.customRuns, customRunResource);
    await load(this.stores.pipelines, pipelines);
    await load(this.stores.tasks, tasks);
  }

  reconcile(name = 'run') {
    const reconciler = createPipelineRunReconciler({
      client: this.client,
      stores: this.stores,
      systemNamespace: 'tekton-pipelines',
      settings: () => this.settings,
      clock: this.clock,
      log: silentLogger,
      events: {
        event: (_object, type, reason, message) => {
          this.events.push(`${type} ${reason}${message && `: ${message}`}`);
        },
      },
    });
    return reconciler(`ns/${name}`, new AbortController().signal);
  }

  async create(spec: PipelineRunSpec, metadata: PipelineRun['metadata'] = {}): Promise<void> {
    this.client.seed(pipelineRunResource, pipelineRun(spec, metadata));
    await this.watch();
  }

  run(name = 'run'): Promise<PipelineRun> {
    return this.client.get(pipelineRunResource, 'ns', name);
  }

  async condition(name = 'run'): Promise<string> {
    const condition = (await this.run(name)).status?.conditions?.[0];
    return `${condition?.status} ${condition?.reason}`;
  }

  async finish(name: string, results: Record<string, string> = {}): Promise<void> {
    const taskRun = await this.client.get(taskRunResource, 'ns', name);
    const status: TaskRun['status'] = {
      conditions: [{ type: 'Succeeded', status: 'True' }],
      results: Object.entries(results).map(([key, value]) => ({ name: key, value })),
    };
    await this.client.replaceStatus(taskRunResource, { ...taskRun, status });
    await this.watch();
  }

  /** Writes since the last call, as "verb resource/name". */
  writes(): string[] {
    const now = this.client.writes
      .slice(this.#told)
      .map(
        ({ verb, resource, subresource, key }) =>
          `${verb} ${resource}${subresource ? `/${subresource}` : ''} ${key.slice(3)}`,
      );
    this.#told = this.client.writes.length;
    return now;
  }

  #told = 0;
}
