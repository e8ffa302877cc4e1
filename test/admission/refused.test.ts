import { describe, expect, it } from 'vitest';
import { defaultValidationContext } from '../../src/api/pipeline/v1/validation.ts';
import { defaultObject } from '../../src/webhook/admission/default.ts';
import type { AdmissionRequest, Verdict } from '../../src/webhook/admission/review.ts';
import { validateObject } from '../../src/webhook/admission/validate.ts';
import { refusals, refusedObjects, type Refused } from './refused.ts';

const gates = { runControllers: [], signers: [], resolvers: [], allowUnsigned: true };

/** As the API server has it: first defaults, then the rules. */
function said({ object }: Refused): string {
  const [group = '', version = ''] = object.apiVersion.split('/');
  const request: AdmissionRequest = {
    uid: 'u',
    kind: { group, version, kind: object.kind },
    resource: { group, version, resource: `${object.kind.toLowerCase()}s` },
    operation: 'CREATE',
    userInfo: { username: 'me' },
    object,
  };
  const first = defaultObject(request, defaultValidationContext, gates);
  const verdict: Verdict = first.allowed ? validateObject(request, defaultValidationContext, gates) : first;
  return verdict.allowed ? 'allowed' : verdict.message;
}

const objects = refusedObjects();
const wanted = refusals();

describe('refused', () => {
  it.each(objects)('$title', (refused) => expect(said(refused)).toBe(wanted.get(refused.title)));

  it('all that is said is of an object', () => {
    expect([...wanted.keys()]).toEqual(objects.map(({ title }) => title));
    expect(objects.length).toBeGreaterThanOrEqual(300);
  });
});
