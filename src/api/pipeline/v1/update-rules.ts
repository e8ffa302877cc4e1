import type { ValidationRule } from '../../structural.ts';

/**
 * What may not change of a run, as rules of its CRD: the API server holds them, with no webhook beside it. They are
 * validateTaskRunUpdate and validatePipelineRunUpdate in CEL, with upstream's words
 * (pkg/apis/pipeline/v1/taskrun_validation.go, pipelinerun_validation.go): a run is not edited, from its creation on.
 *
 * Where they differ from the validators: an absent field and an empty one are two. And of an object that the CRD does
 * not describe (securityContext, volumes, affinity) CEL compares only the fields that both have: as many fields under
 * other names pass. The chart's ValidatingAdmissionPolicy and the recorded digests see those.
 */

/** Rules of the node `spec`: of its fields only `changeable` may change. `only` is how upstream names these. */
export function specRules(kind: string, fields: readonly string[], changeable: readonly string[]): ValidationRule[] {
  const fixed = fields.filter((field) => !changeable.includes(field) && field !== 'managedBy');
  const only = changeable.join(' and ');
  return [
    {
      rule: fixed.map(isSame).join(' && '),
      message: `Once the ${kind} has started, only ${only} updates are allowed`,
    },
    { rule: isSame('managedBy'), message: 'managedBy is immutable', fieldPath: '.managedBy' },
  ];
}

/** Rules of the whole run: nothing of its spec changes once it has ended. */
export function runRules(kind: string): ValidationRule[] {
  const ended = `has(oldSelf.status) && has(oldSelf.status.conditions) && oldSelf.status.conditions.exists(c, c.type == 'Succeeded' && c.status != 'Unknown')`;
  return [
    {
      rule: `!(${ended}) || self.spec == oldSelf.spec`,
      message: `Once the ${kind} is complete, no updates are allowed`,
      fieldPath: '.spec',
    },
  ];
}

/** has() rather than optional fields, which API servers before 1.30 do not take. */
function isSame(field: string): string {
  return `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`;
}
