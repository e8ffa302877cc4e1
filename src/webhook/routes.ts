import type { ValidationContext } from '../api/pipeline/v1/validation.ts';
import { messageOf } from '../errors.ts';
import type { ServerAnswer, ServerHandler, ServerRoute } from '../http/server.ts';
import type { Logger } from '../log.ts';
import { validateConfig } from './admission/config.ts';
import { defaultObject } from './admission/default.ts';
import { gate, type GateRules } from './admission/gates.ts';
import {
  admissionReview,
  allowed,
  forbidden,
  readAdmissionReview,
  ReviewError,
  type AdmissionRequest,
  type Verdict,
} from './admission/review.ts';
import { validateObject } from './admission/validate.ts';
import { convertReview } from './conversion.ts';

/** Upstream's paths; /gates is ours. */
export const reviewPaths = [
  '/defaulting',
  '/resource-validation',
  '/config-validation',
  '/gates',
  '/resource-conversion',
] as const;
export type ReviewPath = (typeof reviewPaths)[number];
export const reviewOutcomes = ['allowed', 'refused', 'failed'] as const;
export type ReviewOutcome = (typeof reviewOutcomes)[number];

/** What decides on requests, beside the requests. */
export interface Judges {
  settings: () => ValidationContext;
  gates: GateRules;
  /** ConfigMaps' own names by the names that upstream ships them under. */
  configNames: Readonly<Record<string, string>>;
  log: Logger;
  /** Told of every answer: path, and whether it was yes. */
  onAnswer?: (path: ReviewPath, outcome: ReviewOutcome) => void;
}

/** A route for each of `reviewPaths`. */
export function webhookRoutes(judges: Judges): ServerRoute[] {
  const { settings, gates, configNames } = judges;
  const verdicts: Readonly<
    Record<Exclude<ReviewPath, '/resource-conversion'>, (request: AdmissionRequest) => Verdict>
  > = {
    '/defaulting': (request) => defaultObject(request, settings(), gates),
    '/resource-validation': (request) => validateObject(request, settings(), gates),
    '/config-validation': (request) => validateConfig(request, configNames),
    '/gates': (request) => {
      const closed = gate(request, gates);
      return closed.length > 0 ? forbidden(closed.join('\n')) : allowed;
    },
  };
  const answer = (path: ReviewPath) => (body: string) => {
    if (path === '/resource-conversion') return { review: convertReview(body), outcome: 'allowed' as const };
    const request = readAdmissionReview(body);
    const verdict = verdicts[path](request);
    const outcome: ReviewOutcome = verdict.allowed ? 'allowed' : 'refused';
    return { review: admissionReview(request.uid, verdict), outcome };
  };
  return reviewPaths.map((path) => ({ method: 'POST', path, handler: answered(judges, path, answer(path)) }));
}

function answered(
  { log, onAnswer }: Judges,
  path: ReviewPath,
  answer: (body: string) => { review: object; outcome: ReviewOutcome },
): ServerHandler {
  return ({ body }): ServerAnswer => {
    try {
      const { review, outcome } = answer(body.toString('utf8'));
      onAnswer?.(path, outcome);
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(review) };
    } catch (error) {
      onAnswer?.(path, 'failed');
      if (error instanceof ReviewError) return { status: 400, body: `${messageOf(error)}\n` };
      log.error({ error, path }, 'a review could not be answered');
      return { status: 500, body: 'the webhook failed on this object; its log says more\n' };
    }
  };
}
