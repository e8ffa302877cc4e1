import { ConfigValues, type ConfigProblem } from './values.ts';

/** What events look like; upstream knows one format. */
const formats = ['tektonv1'] as const;

export interface EventsConfig {
  /** Where CloudEvents go; '' for nowhere. */
  sink: string;
  formats: readonly (typeof formats)[number][];
}

/** ConfigMap config-events; `undefined` gives upstream's defaults: no sink, so no events. Never throws. */
export function parseEvents(data: Readonly<Record<string, string>> | undefined): {
  events: EventsConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const events: EventsConfig = {
    sink: values.sink('sink'),
    formats: values.list('formats', formats, 'use "tektonv1"; to send no events leave out the sink', ['tektonv1']),
  };
  if (events.formats.length === 0) events.formats = ['tektonv1'];
  return { events, problems: values.reportUnknownKeys() };
}
