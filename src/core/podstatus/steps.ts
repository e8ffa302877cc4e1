import type { StepResult, TaskSpec } from '../../api/pipeline/v1/task.ts';
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
import {
  entryType,
  parseTerminationMessage,
  stepReport,
  type StepReport,
  type TerminationEntry,
} from './termination.ts';

type Terminated = NonNullable<StepState['terminated']>;

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
    const state = stepState(status, entries);
    const told = done ? toldBy(status.name, entries, logged) : undefined;
    if (told) {
      const own = stepResults(told, declaredByStep(spec, status.name));
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

function toldBy(
  container: string,
  entries: TerminationEntry[] | undefined,
  logged: LoggedResults | undefined,
): TerminationEntry[] | undefined {
  return logged ? logged.steps.get(container) : entries;
}

function declaredByStep({ steps = [] }: TaskSpec, container: string): StepResult[] {
  return steps.find(({ name }, index) => stepContainerName(name, index) === container)?.results ?? [];
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
  state.terminated = asReported(terminated, report, entries ? visibleMessage(entries) : terminated.message);
  const reason = report.reason ?? (report.exitCode === undefined ? terminated.reason : 'Continued');
  if (reason) state.terminationReason = reason;
  return state;
}

/** How a container ended as its entrypoint tells it, which knows when the step itself began and how it exited. */
function asReported(
  { message: _message, ...rest }: Terminated,
  { startedAt, exitCode }: StepReport,
  shown: string | undefined,
): Terminated {
  return {
    ...rest,
    ...(shown ? { message: shown } : {}),
    ...(startedAt ? { startedAt } : {}),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
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
