import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { SidecarState, StepState, TaskRunResult } from '../../api/pipeline/v1/taskrun.ts';
import {
  isSidecarContainer,
  isStepContainer,
  stepContainerName,
  withoutSidecarPrefix,
  withoutStepPrefix,
} from '../pod/names.ts';
import type { ContainerStatus, Pod } from '../pod/types.ts';
import { orderedStatuses } from './order.ts';
import type { LoggedResults } from './results-log.ts';
import {
  artifactsOf,
  mergeArtifacts,
  stepResults,
  taskResults,
  taskResultsFromStep,
  visibleMessage,
  type Artifacts,
} from './results.ts';
import { entryType, parseTerminationMessage, stepReport, type TerminationEntry } from './termination.ts';

/** What a pod's containers say of the run. Results and artifacts count only once the run is done. */
export interface StepReadings {
  steps: StepState[];
  results: TaskRunResult[];
  artifacts: Artifacts;
}

/**
 * Steps in the order of the spec, with what their termination messages hold.
 * @param logged results and artifacts that came another way than by termination message
 */
export function readSteps(pod: Pod, spec: TaskSpec, done: boolean, logged?: LoggedResults): StepReadings {
  const declared = spec.results ?? [];
  const ofTask = logged?.task ?? [];
  const readings: StepReadings = { steps: [], results: taskResults(ofTask, declared), artifacts: {} };
  const artifacts: Artifacts[] = [artifactsOf(ofTask, entryType.taskArtifacts)];
  for (const status of orderedStatuses(pod).filter((candidate) => isStepContainer(candidate.name))) {
    const entries = parseTerminationMessage(status.state?.terminated?.message);
    const step = (spec.steps ?? []).find(
      (candidate, index) => stepContainerName(candidate.name, index) === status.name,
    );
    const state = stepState(status, entries);
    const told = logged ? logged.steps.get(status.name) : entries;
    if (done && told) {
      const own = stepResults(told, step?.results ?? []);
      if (own.length > 0) state.results = own;
      Object.assign(state, artifactsOf(told, entryType.stepArtifacts));
      readings.results.push(...taskResults(told, declared), ...taskResultsFromStep(status.name, own, declared));
      // What a step reports of itself is the Task's too: $(tasks.x.outputs.y) reads it there.
      artifacts.push(artifactsOf(told, entryType.taskArtifacts), artifactsOf(told, entryType.stepArtifacts));
    }
    readings.steps.push(state);
  }
  readings.artifacts = mergeArtifacts(artifacts);
  return readings;
}

function stepState(status: ContainerStatus, entries: TerminationEntry[] | undefined): StepState {
  const state: StepState = {
    ...status.state,
    name: withoutStepPrefix(status.name),
    container: status.name,
    ...(status.imageID ? { imageID: status.imageID } : {}),
  };
  const terminated = status.state?.terminated;
  if (!terminated) return state;
  const report = stepReport(entries ?? []);
  const { message, ...rest } = terminated;
  const shown = entries ? visibleMessage(entries) : message;
  state.terminated = {
    ...rest,
    ...(shown ? { message: shown } : {}),
    ...(report.startedAt ? { startedAt: report.startedAt } : {}),
    ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
  };
  const reason = report.reason ?? (report.exitCode === undefined ? terminated.reason : 'Continued');
  if (reason) state.terminationReason = reason;
  return state;
}

/** Sidecars of the Task (injected ones are not listed), native ones among the init containers included. */
export function readSidecars(pod: Pod): SidecarState[] {
  return [...orderedStatuses(pod), ...(pod.status?.initContainerStatuses ?? [])]
    .filter((status) => isSidecarContainer(status.name))
    .map((status) => ({
      ...status.state,
      name: withoutSidecarPrefix(status.name),
      container: status.name,
      ...(status.imageID ? { imageID: status.imageID } : {}),
    }));
}
