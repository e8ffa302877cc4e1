import { Counter, type Registry } from 'prom-client';
import type { EventResult } from '../kube/events.ts';

const results = ['created', 'patched', 'dropped', 'failed'] as const satisfies EventResult[];

/** Counts what became of events; all results are there from the start, so that an alert on drops can be tested. */
export function eventCounter(registry: Registry, prefix: string): (result: EventResult) => void {
  const counter = new Counter({
    name: `${prefix}events_total`,
    help: 'Kubernetes events by what became of them',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of results) counter.inc({ result }, 0);
  return (result) => counter.inc({ result });
}
