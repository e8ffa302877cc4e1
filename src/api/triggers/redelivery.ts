import { DurationError, parseDuration } from '../../duration.ts';
import { fieldError, type FieldError } from '../fielderror.ts';

/** Annotations of an EventListener that say what an event does that comes again. Upstream's CRD and tools keep them. */
export const redeliveryAnnotations = {
  /** `ignore`: it creates nothing while what it made is there. */
  redelivery: 'triggers.tektite.dev/redelivery',
  /** With `ignore`: for how long it creates nothing, at least; after twice that time it is an event like any other. */
  window: 'triggers.tektite.dev/redelivery-window',
} as const;

/** Whether the same event creates once, and for how long; without `windowMs` as long as what it made is there. */
export interface Redelivery {
  isIgnored: boolean;
  windowMs?: number;
}

const shortestWindowMs = 60_000;
const longestWindowMs = 365 * 24 * 3_600_000;
const longestShown = 100;

type Annotations = Readonly<Record<string, string>> | undefined;

/** What a listener's annotations say. A window that is none leaves the longer protection: it never ends. */
export function readRedelivery(annotations: Annotations): Redelivery {
  const isIgnored = annotations?.[redeliveryAnnotations.redelivery] === 'ignore';
  const windowMs = windowOf(annotations?.[redeliveryAnnotations.window]);
  return windowMs === undefined || Number.isNaN(windowMs) ? { isIgnored } : { isIgnored, windowMs };
}

/** What admission and the listener's condition say of them. */
export function validateRedelivery(annotations: Annotations): FieldError[] {
  const { redelivery, window } = redeliveryAnnotations;
  const [chosen, length] = [annotations?.[redelivery], annotations?.[window]];
  const wrong = (text: string) => fieldError(text, 'metadata.annotations');
  return [
    ...(chosen === undefined || chosen === 'ignore'
      ? []
      : wrong(`${redelivery} is ${shown(chosen)}; give "ignore", or leave it out: each delivery then counts`)),
    ...(Number.isNaN(windowOf(length))
      ? wrong(`${window} is ${shown(length ?? '')}; give a duration from 1m to 8760h, such as 24h`)
      : []),
    ...(length !== undefined && chosen === undefined
      ? wrong(`${window} does nothing without ${redelivery}: ignore; add that`)
      : []),
  ];
}

/** NaN for what is no window. */
function windowOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const ms = parseDuration(text.trim());
    return ms >= shortestWindowMs && ms <= longestWindowMs ? ms : Number.NaN;
  } catch (error) {
    if (error instanceof DurationError) return Number.NaN;
    throw error;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, longestShown));
}
