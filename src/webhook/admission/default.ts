import { formatFieldErrors } from '../../api/fielderror.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import type { KubeObject } from '../../resource.ts';
import { jsonPatch } from '../patch.ts';
import { chainsAnnotationsOf, isSigner, type GateRules } from './gates.ts';
import { subjectOf, type Subject } from './object.ts';
import { allowed, badRequest, type AdmissionRequest, type Verdict } from './review.ts';
import { errorsOf } from './validate.ts';

/**
 * Defaulting (webhook.pipeline.tekton.dev). A spec that is not in the form of its kind is refused here already, with
 * everything else that is wrong with it: the second webhook would never see it.
 */
export function defaultObject(request: AdmissionRequest, context: ValidationContext, gates: GateRules): Verdict {
  const subject = subjectOf(request);
  if (!subject) return allowed;
  if (subject.unreadable.length > 0) return badRequest(refusalOf(subject, context));
  return { allowed: true, patch: jsonPatch(subject.given, stripped(request, defaulted(subject, context), gates)) };
}

/** A run is not edited once it is there: what an older version left without defaults stays so. */
function defaulted({ version, object, before, given }: Subject, context: ValidationContext): KubeObject {
  if (before && version.validateUpdate) return given;
  return version.setDefaults?.(object, context) ?? object;
}

/**
 * A new run has no signature yet. What Chains believes is taken away, so that a copied run can be created as with
 * upstream, which takes all of Chains' annotations; what users may say stays.
 */
function stripped(request: AdmissionRequest, object: KubeObject, gates: GateRules): KubeObject {
  const { annotations } = object.metadata;
  if (request.operation !== 'CREATE' || annotations === undefined || isSigner(request, gates)) return object;
  const believed = new Set(chainsAnnotationsOf(annotations));
  if (believed.size === 0) return object;
  const kept = Object.fromEntries(Object.entries(annotations).filter(([name]) => !believed.has(name)));
  return { ...object, metadata: { ...object.metadata, annotations: kept } };
}

function refusalOf(subject: Subject, context: ValidationContext): string {
  const unreadable = subject.unreadable.map((error) => ({ ...error, message: `json: ${error.message}` }));
  const decoded = `mutation failed: cannot decode incoming new object: ${formatFieldErrors(unreadable)}`;
  const others = errorsOf(subject, context);
  return others.length === 0 ? decoded : `${decoded}\nvalidation failed: ${formatFieldErrors(others)}`;
}
