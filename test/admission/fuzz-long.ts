// Looks for an object that the webhook does not answer for: `npm run fuzz:admission`, a minute for each version of each
// kind, or `npm run fuzz:admission -- SECONDS [KIND]`.
import fc from 'fast-check';
import { ask, fuzzRows } from './fuzz.ts';

const [seconds = '60', only] = process.argv.slice(2);
const milliseconds = Number(seconds) * 1000;
if (!(milliseconds > 0)) throw new Error(`fuzz:admission: "${seconds}" is no number of seconds`);

let failed = 0;
for (const row of fuzzRows.filter(({ kind }) => only === undefined || kind.kind === only)) {
  let asked = 0;
  const property = fc.property(row.objects, row.objects, (object, before) => {
    asked += 1;
    ask(row, object);
    ask(row, object, before);
  });
  const details = fc.check(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
  });
  if (details.failed) failed += 1;
  console.log(`${row.name}: ${asked} objects, ${details.failed ? 'FAILED' : 'all answered'}`);
  if (details.failed) console.log(fc.defaultReportMessage(details), details.errorInstance);
}
process.exitCode = failed > 0 ? 1 : 0;
