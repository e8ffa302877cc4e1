import { expect, test } from 'vitest';
import { merged, mergeInto, type DigestedThing } from './merge.ts';

// Cases of upstream's append_test.go.
test.each<[string, DigestedThing[], DigestedThing[]]>([
  [
    'another name',
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'b', digest: { sha256: '1' } },
    ],
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'b', digest: { sha256: '1' } },
    ],
  ],
  [
    'equal',
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha256: '1' } },
    ],
    [{ name: 'a', digest: { sha256: '1' } }],
  ],
  [
    'a further digest',
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha256: '1', sha512: '2' } },
    ],
    [{ name: 'a', digest: { sha256: '1', sha512: '2' } }],
  ],
  [
    'same name, another digest',
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha256: '2' } },
    ],
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha256: '2' } },
    ],
  ],
  [
    'same name, nothing in common',
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha512: '1' } },
    ],
    [
      { name: 'a', digest: { sha256: '1' } },
      { name: 'a', digest: { sha512: '1' } },
    ],
  ],
  [
    'what has a digest that gave way to the latest is another thing',
    [
      { name: 'a', digest: { sha256: '1', sha512: '2' } },
      { name: 'a', digest: { sha256: '1', sha512: '3' } },
      { name: 'a', digest: { sha512: '2' } },
    ],
    [
      { name: 'a', digest: { sha256: '1', sha512: '3' } },
      { name: 'a', digest: { sha512: '2' } },
    ],
  ],
  [
    'the latest of other digests counts',
    [
      { name: 'a', digest: { sha256: '1', sha512: '2' } },
      { name: 'a', digest: { sha256: '1', sha512: '3' } },
    ],
    [{ name: 'a', digest: { sha256: '1', sha512: '3' } }],
  ],
  [
    'no digest at all is never equal',
    [
      { name: 'a', digest: {} },
      { name: 'a', digest: {} },
    ],
    [
      { name: 'a', digest: {} },
      { name: 'a', digest: {} },
    ],
  ],
])('%s', (_, things, expected) => {
  expect(merged(things)).toEqual(expected);
  expect(things.reduce<DigestedThing[]>((list, thing) => mergeInto(list, [thing]), [])).toEqual(expected);
});

test('the things given stay as they are', () => {
  const given = [{ name: 'a', digest: { sha256: '1' } }];
  mergeInto(merged(given), [{ name: 'a', digest: { sha256: '1', sha512: '2' } }]);
  expect(given).toEqual([{ name: 'a', digest: { sha256: '1' } }]);
});
