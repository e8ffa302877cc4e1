import { Counter, type Registry } from 'prom-client';
import { reviewOutcomes, reviewPaths, type ReviewOutcome, type ReviewPath } from './routes.ts';

/**
 * Counts answers to the API server. All are there from the start: of a series that begins with its first failure,
 * Prometheus sees no increase.
 */
export function answerCounter(registry: Registry): (path: ReviewPath, outcome: ReviewOutcome) => void {
  const answers = new Counter({
    name: 'tekton_pipelines_webhook_answers_total',
    help: 'Answers to the API server by path and outcome',
    labelNames: ['path', 'outcome'],
    registers: [registry],
  });
  for (const path of reviewPaths) for (const outcome of reviewOutcomes) answers.inc({ path, outcome }, 0);
  return (path, outcome) => answers.inc({ path, outcome });
}
