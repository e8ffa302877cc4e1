import { describe, expect, it } from 'vitest';
import { readRedelivery, validateRedelivery } from './redelivery.ts';

const redelivery = 'triggers.tektite.dev/redelivery';
const window = 'triggers.tektite.dev/redelivery-window';

describe('what a listener does with an event that comes again', () => {
  it.each([
    ['nothing is said', {}, { isIgnored: false }],
    ['it is ignored', { [redelivery]: 'ignore' }, { isIgnored: true }],
    ['for a day', { [redelivery]: 'ignore', [window]: '24h' }, { isIgnored: true, windowMs: 86_400_000 }],
    ['for a time that is none', { [redelivery]: 'ignore', [window]: 'a day' }, { isIgnored: true }],
    ['for no time', { [redelivery]: 'ignore', [window]: '0s' }, { isIgnored: true }],
  ])('%s', (_name, annotations, wanted) => expect(readRedelivery(annotations)).toEqual(wanted));

  it.each([
    ['ignore for an hour', { [redelivery]: 'ignore', [window]: '1h' }, []],
    [
      'a word that is none',
      { [redelivery]: 'never' },
      [`${redelivery} is "never"; give "ignore", or leave it out: each delivery then counts`],
    ],
    [
      'a window that is none',
      { [redelivery]: 'ignore', [window]: 'a day' },
      [`${window} is "a day"; give a duration from 1m to 8760h, such as 24h`],
    ],
    [
      'one too short',
      { [redelivery]: 'ignore', [window]: '59s' },
      [`${window} is "59s"; give a duration from 1m to 8760h, such as 24h`],
    ],
    ['a window alone', { [window]: '1h' }, [`${window} does nothing without ${redelivery}: ignore; add that`]],
  ])('admission says of %s', (_name, annotations, wanted) => {
    expect(validateRedelivery(annotations as Record<string, string>).map(({ message }) => message)).toEqual(wanted);
  });
});
