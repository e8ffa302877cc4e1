import { stringify } from 'yaml';
import { defaultValidationContext } from '../../../api/pipeline/v1/validation.ts';
import type { Finding } from '../finding.ts';
import { validateFiles } from '../run.ts';
import type { LintRule } from './rules.ts';

export type Json = Record<string, unknown>;

/** A rule, what it finds, and what it finds nothing in. */
export interface Case {
  rule: LintRule;
  /** What is special about it, where a rule has several. */
  what?: string;
  bad: Json | Json[];
  /** `PATH: MESSAGE`, or several. */
  says: string | string[];
  good: Json | Json[];
}

export const v1 = 'tekton.dev/v1';
export const v1beta1 = 'tekton.dev/v1beta1';
export const triggers = 'triggers.tekton.dev/v1beta1';

export function object(kind: string, spec: unknown, metadata: Json = {}, apiVersion = v1): Json {
  return { apiVersion, kind, metadata: { name: 'n', ...metadata }, spec };
}

const limits = { limits: { memory: '1Gi' } };
export const step = { name: 's', image: 'busybox:1.36', script: '#!/bin/sh\ntrue', computeResources: limits };
export const described = (name: string, more: Json = {}) => ({ name, description: 'd', ...more });

export const taskSpec = (change: Json = {}) => ({ description: 'd', steps: [step], ...change });
export const task = (change: Json = {}, metadata: Json = {}) => object('Task', taskSpec(change), metadata);
export const withStep = (change: Json, more: Json = {}) => task({ steps: [{ ...step, ...change }], ...more });
export const withScript = (script: string, more: Json = {}) => withStep({ script, ...more });
export const withSidecar = (change: Json) =>
  task({ sidecars: [{ name: 'c', image: 'redis:7', readinessProbe: { exec: { command: ['true'] } }, ...change }] });
export const stepAction = (change: Json) =>
  object('StepAction', { description: 'd', image: 'busybox:1.36', script: '#!/bin/sh\ntrue', ...change }, {}, v1beta1);
export const pipeline = (change: Json = {}, metadata: Json = {}) =>
  object('Pipeline', { description: 'd', tasks: [{ name: 'a', taskSpec: taskSpec() }], ...change }, metadata);
export const taskRun = (change: Json = {}, metadata: Json = {}) =>
  object('TaskRun', { taskRef: { name: 't' }, timeout: '5m', ...change }, metadata);
export const pipelineRun = (change: Json = {}, metadata: Json = {}) =>
  object('PipelineRun', { pipelineRef: { name: 'p' }, timeouts: { pipeline: '5m' }, ...change }, metadata);
export const listener = (change: Json) =>
  object('EventListener', { serviceAccountName: 'ci', ...change }, {}, triggers);
export const template = (spec: Json) => object('TriggerTemplate', spec, { name: 'template' }, triggers);

/** Everything that is said of objects in one file, errors too. */
export function findingsOf(objects: Json | Json[], disabled: LintRule[] = []): Finding[] {
  const text = (Array.isArray(objects) ? objects : [objects]).map((each) => stringify(each)).join('---\n');
  return validateFiles([{ file: 'f.yaml', text }], defaultValidationContext, { disabled: new Set(disabled) }).findings;
}

/** The same as `rule path: message`. */
export function said(objects: Json | Json[], disabled: LintRule[] = []): string[] {
  return findingsOf(objects, disabled).map(({ rule, path, message }) => `${rule} ${path}: ${message}`);
}
