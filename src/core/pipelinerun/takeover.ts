import type { Defaults } from '../../api/config/config-defaults.ts';
import { defaultPipelineRunSpec, defaultTaskRunSpec } from '../../api/pipeline/v1/defaults.ts';
import type { Step } from '../../api/pipeline/v1/task.ts';
import { changedFields, fieldRecord } from '../digest/fields.ts';
import { fixedPart } from '../digest/record.ts';
import { TooLargeError } from '../budget.ts';
import { annotations, labels } from '../labels.ts';
import type { DefinitionNeed, Planning } from '../need.ts';
import { judge } from '../when/when.ts';
import { assess, type Assessment } from './assess.ts';
import { askTasks, taskReference } from './definitions.ts';
import type { Draft } from './draft.ts';
import { RunFailure } from './failure.ts';
import { pipelineOf } from './pipeline.ts';
import { childContext, childrenFor } from './child/make.ts';
import type { Child, ChildKind, ChildObject, NewChild } from './child/child.ts';
import { observeTasks } from './taskstate.ts';

/**
 * Which TaskRuns that are not recorded the run made itself, just before the controller ended and could write them down:
 * those that are exactly what the plan makes. An owner reference alone says nothing, for everybody can write one.
 */
export function* takeOver(draft: Draft, unknown: readonly Child[]): Planning<Child[], DefinitionNeed<'Task'>> {
  try {
    const names = tasksOf(unknown);
    const compared = assessFreely(draft).tasks.filter(({ name }) => names.has(name));
    draft.learn(
      yield* askTasks(
        draft.run,
        compared.map(({ task }) => task),
      ),
    );
    const planned = new Map(plannedFor(draft, names).map((planned) => [planned.metadata.name, planned]));
    return unknown.filter((existing) => {
      const wanted = planned.get(existing.name);
      return (
        wanted !== undefined && childDifferences(wanted, existing.object, draft.facts.settings.defaults).length === 0
      );
    });
  } catch (error) {
    if (error instanceof RunFailure || error instanceof TooLargeError) return [];
    throw error;
  }
}

/** Names of the pipeline tasks that TaskRuns say they were made for. */
function tasksOf(children: readonly Child[]): ReadonlySet<string> {
  return new Set(children.flatMap(({ metadata }) => metadata.labels?.[labels.pipelineTask] ?? []));
}

/**
 * The TaskRuns of some tasks as the plan makes them, whether or not it would still start them: the run may have been
 * cancelled, or have failed, since they were made.
 */
function plannedFor(draft: Draft, names: ReadonlySet<string>): NewChild[] {
  const pipeline = pipelineOf(draft.facts, draft.run, () => {});
  const assessment = assessFreely(draft);
  const context = childContext(draft, pipeline, assessment);
  return assessment.tasks.flatMap((state) => {
    if (!names.has(state.name) || !state.ready || judge(state.task.when).kind !== 'holds') return [];
    const resolved = draft.taskOf(state.task);
    if (taskReference(state.task) !== undefined && resolved?.kind !== 'found') return [];
    return childrenFor(state, resolved?.kind === 'found' ? resolved.definition : undefined, context);
  });
}

/** The tasks as they stand, requests and time limits aside. @throws RunFailure */
function assessFreely({ facts, run }: Draft): Assessment {
  const { spec, graph } = pipelineOf(facts, run, () => {});
  const overdue = { pipeline: false, pipelineByFar: false, tasks: false, finally: false };
  return assess(observeTasks(run, spec, facts.children), {
    graph,
    requested: undefined,
    overdue,
    leftOut: new Set(),
    mostCombinations: facts.settings.defaults.maxMatrixCombinationsCount,
  });
}

/**
 * In which fields a child is not what the plan makes: its spec, both with all defaults, and the labels and
 * annotations that the plan gives. Others may have been added to these since.
 */
export function childDifferences(planned: NewChild, existing: ChildObject, defaults: Defaults): string[] {
  const wanted = fieldRecord(comparable(planned.kind, planned.spec, defaults));
  const fields = changedFields(wanted, comparable(planned.kind, existing.spec, defaults)) ?? [];
  return [
    ...fields.map((name) => `spec.${name}`),
    ...missingFrom(existing.metadata.labels, planned.metadata.labels).map((name) => `metadata.labels[${name}]`),
    ...missingFrom(withOutcome(existing.metadata.annotations), withOutcome(planned.metadata.annotations)).map(
      (name) => `metadata.annotations[${name}]`,
    ),
  ];
}

function missingFrom(present: Record<string, string> = {}, wanted: Record<string, string> = {}): string[] {
  return Object.keys(wanted).filter((name) => present[name] !== wanted[name]);
}

/** Annotations that count; what a failure means to the run counts also when it is not said. */
function withOutcome(all: Record<string, string> = {}): Record<string, string> {
  // Where work may have been done before was found out anew since then.
  const { [annotations.release]: _release, [annotations.inheritFrom]: _from, ...others } = all;
  const { [annotations.rerunFromFailure]: _earlier, ...rest } = others;
  return { ...rest, [annotations.pipelineTaskOnError]: rest[annotations.pipelineTaskOnError] ?? '' };
}

/** A spec with every default, our own and those of the CRD, and without what a cancellation changes. */
function comparable(kind: ChildKind, given: ChildObject['spec'], defaults: Defaults): Record<string, unknown> {
  if (kind === 'PipelineRun') return fixedPart(defaultPipelineRunSpec(given, defaults));
  if (kind === 'CustomRun') return fixedPart(given);
  const { taskSpec, ...rest } = defaultTaskRunSpec(given, defaults);
  if (taskSpec === undefined) return fixedPart(rest);
  const { steps, sidecars } = taskSpec;
  const withName = <T extends Pick<Step, 'name'>>(item: T) => ({ ...item, name: item.name ?? '' });
  return fixedPart({
    ...rest,
    taskSpec: {
      ...taskSpec,
      ...(steps ? { steps: steps.map(withName) } : {}),
      ...(sidecars
        ? {
            sidecars: sidecars.map(withName).map((sidecar) => ({
              ...sidecar,
              ...(sidecar.ports
                ? { ports: sidecar.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' })) }
                : {}),
            })),
          }
        : {}),
    },
  });
}
