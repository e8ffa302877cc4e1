import { decodeAs } from '../../api/decode.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import { defaultPipelineSpec } from '../../api/pipeline/v1/defaults.ts';
import { pipelineSpec as pipelineSpecSchema, type PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Graph } from '../graph/graph.ts';
import { bindPipeline, pipelineNameOf } from './bind.ts';
import { RunFailure, userError } from './failure.ts';
import { pipelineFailure } from './definitions.ts';
import type { InformedFacts, PipelineSource } from './types.ts';
import { graphOf, validateRun } from './validate.ts';
import { structuralSchema } from '../../api/structural.ts';

/** The pipeline a run is to run. */
export interface BoundPipeline {
  name: string;
  /** With params, context and workspaces replaced. */
  spec: PipelineSpec;
  graph: Graph;
  /** Set when it was not in the status yet. */
  source?: PipelineSource;
}

const embeddedSchema = structuralSchema(pipelineSpecSchema);

/** Specs do not change in place, so what follows from one can be kept as long as it. */
const graphs = new WeakMap<PipelineSpec, Graph>();

/**
 * The pipeline of a run, ready to be run. `store` is told the spec as soon as it is known, so that also a run that
 * fails its validation shows what it was to run. @throws RunFailure when there is none or it does not fit the run
 */
export function pipelineOf(facts: InformedFacts, run: PipelineRun, store: (spec: PipelineSpec) => void): BoundPipeline {
  const stored = run.status?.pipelineSpec;
  if (stored !== undefined) return { name: pipelineNameOf(run), spec: stored, graph: graphFor(run, stored) };
  const source = resolve(facts, run);
  const spec = defaultPipelineSpec(source.spec, facts.settings.defaults);
  store(spec);
  validateRun(run, source.name, spec, facts.settings);
  const bound = bindPipeline(run, source.name, spec);
  store(bound);
  return { name: source.name, spec: bound, graph: graphFor(run, bound), source };
}

function graphFor(run: PipelineRun, spec: PipelineSpec): Graph {
  let graph = graphs.get(spec);
  if (graph === undefined) graphs.set(spec, (graph = graphOf(run, spec)));
  return graph;
}

/**
 * The run with an embedded pipeline that has the shape of one, whatever the user wrote there: the CRD does not describe
 * it. Parts that do not fit are left out; `pipelineOf` refuses the run because of them. Once it has begun, the stored
 * one counts.
 */
export function readable(run: PipelineRun): PipelineRun {
  if (run.spec.pipelineSpec === undefined) return run;
  const pipelineSpec = run.status?.pipelineSpec ?? decodeAs(embeddedSchema, run.spec.pipelineSpec).value ?? {};
  return { ...run, spec: { ...run.spec, pipelineSpec } };
}

/** The CRD does not describe an embedded pipeline: what the API server would have refused is refused here. */
function decodeEmbedded(run: PipelineRun, json: PipelineSpec): PipelineSpec {
  const { value, errors } = decodeAs(embeddedSchema, json, 'spec.pipelineSpec');
  if (errors.length === 0) return value as PipelineSpec;
  const name = `${run.metadata.namespace}/${pipelineNameOf(run)}`;
  throw new RunFailure(
    'PipelineValidationFailed',
    `Pipeline ${name} can't be Run; it has an invalid spec: ${userError(formatFieldErrors(errors))}`,
  );
}

function resolve({ pipeline, run: given }: InformedFacts, run: PipelineRun): PipelineSource {
  const { pipelineRef } = run.spec;
  const { pipelineSpec } = given.spec;
  if (pipelineSpec !== undefined) return { name: pipelineNameOf(run), spec: decodeEmbedded(run, pipelineSpec) };
  const fail = (reason: 'Invalid' | 'NotFound', message: string) =>
    pipelineFailure(run, { kind: 'failed', reason, message });
  if (pipelineRef === undefined)
    throw fail('Invalid', userError('spec has neither pipelineRef nor pipelineSpec; give one of them'));
  if (!pipelineRef.resolver && !pipelineRef.name)
    throw fail('Invalid', userError('spec.pipelineRef.name: missing; name a Pipeline of this namespace'));
  if (pipeline?.kind === 'found') return { ...pipeline.definition, refSource: pipeline.refSource };
  if (pipeline?.kind === 'failed') throw pipelineFailure(run, pipeline);
  throw fail('NotFound', `pipelines.tekton.dev "${pipelineRef.name}" not found`);
}
