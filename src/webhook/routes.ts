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

/** What decides on requests, beside the requests. */
export interface Judges {
  settings: () => ValidationContext;
  gates: GateRules;
  /** ConfigMaps' own names by the names that upstream ships them under. */
  configNames: Readonly<Record<string, string>>;
  log: Logger;
  /** Told of every answer: path, and whether it was yes. */
  onAnswer?: (path: string, outcome: 'allowed' | 'refused' | 'failed') => void;
}

/** Upstream's paths; /gates is ours. */
export function webhookRoutes(judges: Judges): ServerRoute[] {
  const { settings, gates, configNames } = judges;
  const verdicts: Readonly<Record<string, (request: AdmissionRequest) => Verdict>> = {
    '/defaulting': (request) => defaultObject(request, settings(), gates),
    '/resource-validation': (request) => validateObject(request, settings(), gates),
    '/config-validation': (request) => validateConfig(request, configNames),
    '/gates': (request) => {
      const closed = gate(request, gates);
      return closed.length > 0 ? forbidden(closed.join('\n')) : allowed;
    },
  };
  return [
    ...Object.entries(verdicts).map(([path, judge]) => ({
      method: 'POST',
      path,
      handler: answered(judges, path, (body) => {
        const request = readAdmissionReview(body);
        const verdict = judge(request);
        return { review: admissionReview(request.uid, verdict), outcome: verdict.allowed ? 'allowed' : 'refused' };
      }),
    })),
    {
      method: 'POST',
      path: '/resource-conversion',
      handler: answered(judges, '/resource-conversion', (body) => ({
        review: convertReview(body),
        outcome: 'allowed',
      })),
    },
  ];
}

function answered(
  { log, onAnswer }: Judges,
  path: string,
  answer: (body: string) => { review: object; outcome: 'allowed' | 'refused' },
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
