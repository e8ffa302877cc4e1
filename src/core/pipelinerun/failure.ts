/** Reasons of the Succeeded condition that mean: this run cannot go on (upstream PipelineRunReason). */
export type FailureReason =
  | 'CouldntGetPipeline'
  | 'CouldntGetTask'
  | 'PipelineInvalidGraph'
  | 'PipelineValidationFailed'
  | 'ParameterMissing'
  | 'ParameterTypeMismatch'
  | 'ObjectParameterMissKeys'
  | 'ParamArrayIndexingInvalid'
  | 'InvalidParamValue'
  | 'InvalidWorkspaceBindings'
  | 'InvalidTaskRunSpecs'
  | 'InvalidTaskResultReference'
  | 'InvalidPipelineResultReference'
  | 'RequiredWorkspaceMarkedOptional'
  | 'InvalidMatrixParameterTypes'
  | 'CELEvaluationFailed'
  | 'CouldntGetPipelineResult'
  | 'CreateRunFailed'
  | 'CouldntCreateWorkspacePVC'
  | 'ResourceVerificationFailed';

/** Ends the run with condition False. Thrown by the phases of planning, caught once in planPipelineRun. */
export class RunFailure extends Error {
  override name = 'RunFailure';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Marks a message as about what a user wrote, as upstream does. */
export function userError(message: string): string {
  return `[User error] ${message}`;
}

/** Reason of the event about a task that could not run, since another did not produce a result. Upstream's. */
export const resultValidationFailed = 'ResultValidationFailed';
