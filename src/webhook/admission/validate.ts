import { formatFieldErrors, type FieldError } from '../../api/fielderror.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import { orderErrors } from '../../core/graph/validate.ts';
import { gate, type GateRules } from './gates.ts';
import { specOf, subjectOf, type Subject } from './object.ts';
import { allowed, badRequest, forbidden, type AdmissionRequest, type Verdict } from './review.ts';

/**
 * Validation (validation.webhook.pipeline.tekton.dev): first who may write this at all, then everything that is wrong
 * with the object, in one answer.
 */
export function validateObject(request: AdmissionRequest, context: ValidationContext, gates: GateRules): Verdict {
  const closed = gate(request, gates);
  if (closed.length > 0) return forbidden(closed.join('\n'));
  const subject = subjectOf(request);
  if (!subject) return allowed;
  const errors = [...subject.unreadable, ...errorsOf(subject, context)];
  return errors.length === 0 ? allowed : badRequest(`validation failed: ${formatFieldErrors(errors)}`);
}

/** What is wrong with an object that is in the form of its kind. */
export function errorsOf(
  { kind, version, object, incomplete, before }: Subject,
  context: ValidationContext,
): FieldError[] {
  if (incomplete.length > 0) return incomplete;
  const about = { ...context, creating: before === undefined };
  // Rules of runs are about their creation: a later one must not keep an old run from being cancelled.
  if (before && version.validateUpdate) return version.validateUpdate(before, object, about);
  return [...(version.validate?.(object, about) ?? []), ...orderErrors(kind.kind, specOf(object))];
}
