import { servedFrom, servedUntil } from '../role/served-certificate.ts';
import { ageFinding } from './certificates.ts';
import type { Observed } from './observe.ts';
import type { Finding, ServedState } from './report.ts';

const sampleLine = new RegExp(`^(${servedFrom}|${servedUntil})(?:\\{[^}\\n]{0,400}\\})? ([\\d.e+-]{1,30})$`, 'gm');
/** Longer than metrics of any role, which have some hundred series. */
const LONGEST = 4 * 1024 * 1024;
/** The last time that a date can be of, in seconds. */
const LAST_TIME = 8.64e12;

/** The certificate that a pod serves with, by its metrics; undefined where it serves with none. */
export function servedOf({ namespace, pod, text }: Observed['metrics'][number]): ServedState | undefined {
  const found = new Map(
    [...text.slice(0, LONGEST).matchAll(sampleLine)].map(([, name, value]) => [name, Number(value)]),
  );
  const [from, until] = [timeOf(found.get(servedFrom)), timeOf(found.get(servedUntil))];
  return from === undefined || until === undefined ? undefined : { namespace, pod, notBefore: from, notAfter: until };
}

/** Zero is what a gauge says before anything is served. */
function timeOf(seconds: number | undefined): string | undefined {
  return seconds !== undefined && seconds > 0 && seconds <= LAST_TIME
    ? new Date(seconds * 1000).toISOString()
    : undefined;
}

/** Roles renew what they serve with when a third of its time is left at the latest, or a sixth of a year's. */
export function servedFindings(served: readonly ServedState[], now: Date): Finding[] {
  return served.flatMap(({ namespace, pod, notBefore, notAfter }) => {
    const span = { from: Date.parse(notBefore), to: Date.parse(notAfter) };
    const found = ageFinding('the certificate that it serves with', span, now);
    const remedy = `kubectl -n ${namespace} logs ${pod}: it should have renewed it, or cert-manager where certificates are its own`;
    return found === undefined ? [] : [{ about: `Pod ${namespace}/${pod}`, remedy, ...found }];
  });
}
