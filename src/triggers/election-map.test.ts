import { expect, it } from 'vitest';
import { electionMap } from './election-map.ts';

const shipped = 'config-leader-election-triggers-controller';

it.each([
  { there: [], read: undefined },
  { there: [shipped], read: shipped },
  { there: [`${shipped}s`, shipped], read: `${shipped}s` },
])("with $there, the Triggers controller's election is by $read", ({ there, read }) => {
  expect(electionMap((name) => there.find((each) => each === name))).toBe(read);
});
