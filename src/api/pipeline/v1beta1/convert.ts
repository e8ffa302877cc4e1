import { fromStored, toStored, type Shape } from '../../conversion.ts';
import type { Conversion } from '../../kind.ts';
import type { KubeObject } from '../../../resource.ts';
import type * as v1 from '../v1/types.ts';
import { annotationsOf, restore, stash, withAnnotations, type RemovedField } from './annotations.ts';
import {
  placeIn,
  placesInPipeline,
  restoreDeprecations,
  stashDeprecations,
  type TaskSpecPlace,
} from './deprecations.ts';
import type * as v1beta1 from './schemas.ts';
import * as shapes from './shapes.ts';
import { isJsonObject, type JsonObject } from '../../../json-object.ts';

/** What the conversion of one kind consists of. */
interface Rules {
  shape: Shape;
  removed: readonly RemovedField[];
  /** The task specs of an object, whose deprecated fields are kept under the task's name. */
  places: (object: JsonObject) => TaskSpecPlace[];
}

const resources = { parent: 'spec', field: 'resources', annotation: 'tekton.dev/v1beta1Resources' } as const;

function nameOf(object: JsonObject): string {
  const metadata = isJsonObject(object['metadata']) ? object['metadata'] : {};
  return typeof metadata['name'] === 'string' ? metadata['name'] : '';
}

function specOf(object: JsonObject, holder: 'spec' | 'status', field: string): unknown {
  const node = object[holder];
  return isJsonObject(node) ? node[field] : undefined;
}

const task: Rules = {
  shape: shapes.task,
  removed: [resources],
  places: (object) => [{ name: nameOf(object), path: ['spec'] }],
};

const taskRun: Rules = {
  shape: shapes.taskRun,
  removed: [
    resources,
    { parent: 'status', field: 'cloudEvents', annotation: 'tekton.dev/v1beta1CloudEvents', list: true },
    { parent: 'status', field: 'resourcesResult', annotation: 'tekton.dev/v1beta1ResourcesResult', list: true },
  ],
  places: (object) => ['spec', 'status'].map((holder) => placeIn(holder, nameOf(object), [holder, 'taskSpec'])),
};

const pipeline: Rules = {
  shape: shapes.pipeline,
  removed: [{ ...resources, list: true }],
  places: (object) => placesInPipeline(object['spec'], ['spec']),
};

const pipelineRun: Rules = {
  shape: shapes.pipelineRun,
  removed: [
    { ...resources, list: true },
    { parent: 'status', field: 'taskRuns', annotation: 'tektite.dev/v1beta1TaskRuns' },
    { parent: 'status', field: 'runs', annotation: 'tektite.dev/v1beta1Runs' },
  ],
  places: (object) =>
    (['spec', 'status'] as const).flatMap((holder) =>
      placesInPipeline(specOf(object, holder, 'pipelineSpec'), [holder, 'pipelineSpec']),
    ),
};

/** v1beta1 to v1 and back. What v1 has no field for is kept in annotations; nothing of an object makes it throw. */
function conversion<T extends KubeObject, Stored extends KubeObject>({
  shape,
  removed,
  places,
}: Rules): Conversion<T, Stored> {
  return {
    toStored: (object) => {
      const given = object as unknown as JsonObject;
      const annotations = annotationsOf(given);
      const kept = stashDeprecations(stash(given, removed, annotations), places(given), annotations);
      const converted = toStored(shape, withAnnotations(kept, annotations)) as JsonObject;
      return { ...converted, apiVersion: 'tekton.dev/v1' } as unknown as Stored;
    },
    fromStored: (object) => {
      const given = object as unknown as JsonObject;
      const annotations = annotationsOf(given);
      const converted = fromStored(shape, given) as JsonObject;
      const whole = restore(restoreDeprecations(converted, places(converted), annotations), removed, annotations);
      return { ...withAnnotations(whole, annotations), apiVersion: 'tekton.dev/v1beta1' } as unknown as T;
    },
  };
}

export const taskConversion = conversion<v1beta1.Task, v1.Task>(task);
export const taskRunConversion = conversion<v1beta1.TaskRun, v1.TaskRun>(taskRun);
export const pipelineConversion = conversion<v1beta1.Pipeline, v1.Pipeline>(pipeline);
export const pipelineRunConversion = conversion<v1beta1.PipelineRun, v1.PipelineRun>(pipelineRun);
