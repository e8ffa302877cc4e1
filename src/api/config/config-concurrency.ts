import { z } from 'zod';
import { ConfigValues, type ConfigProblem } from './values.ts';

/** What a run does that finds its queue full: wait; also cancel those that wait before it; also those that run. */
export const whenFull = ['queue', 'replace-waiting', 'cancel-running'] as const;
export type WhenFull = (typeof whenFull)[number];

/** One part of a queue's key: runs that agree in all parts share a queue. */
export const keyPart = z.string().regex(/^(pipeline|(label|param):.+)$/, 'use pipeline, label:<name> or param:<name>');

const rule = z.strictObject({
  name: z.string().min(1),
  namespaces: z.array(z.string()).optional(),
  key: z.array(keyPart).max(8).default([]),
  limit: z.int().min(1).max(1000),
  whenFull: z.enum(whenFull).default('queue'),
});

/** How many PipelineRuns of a namespace run at the same time; without a key all of the namespace. */
export type ConcurrencyRule = z.infer<typeof rule>;

/** The rules of ConfigMap config-concurrency, the first that names a run's namespace counts for it. Never throws. */
export function parseConcurrency(data: Readonly<Record<string, string>> | undefined): {
  rules: ConcurrencyRule[];
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const rules = values.yaml('rules', z.array(rule)) ?? [];
  return { rules, problems: values.reportUnknownKeys() };
}
