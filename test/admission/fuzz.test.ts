import fc from 'fast-check';
import { describe, it } from 'vitest';
import { ask, fuzzRows } from './fuzz.ts';

/** The short run of `npm run fuzz:admission`. */
describe('whatever is sent, the webhook answers', () => {
  it.each(fuzzRows)('$name', (row) => {
    fc.assert(
      fc.property(row.objects, row.objects, (object, before) => {
        ask(row, object);
        ask(row, object, before);
      }),
      { numRuns: 40 },
    );
  });
});
