import { describe, expect, it } from 'vitest';
import { readQuery } from './query.ts';
import { runObject } from './runs.fake.ts';
import { indexed } from './summary.ts';

const run = indexed(
  runObject({
    name: 'greeter-7',
    labels: { team: 'a', 'triggers.tekton.dev/eventlistener': 'github' },
    annotations: { 'pipelinesascode.tekton.dev/sender': 'Ann', 'pipelinesascode.tekton.dev/sha': '5f71df9' },
  }),
);

describe('what a query asks for', () => {
  it.each<[query: string, matches: boolean]>([
    ['', true],
    ['q=GREETER', true],
    ['q=5f71', true],
    ['q=ann', true],
    ['q=nobody', false],
    ['pipeline=build', true],
    ['pipeline=test,build', true],
    ['pipeline=test', false],
    ['kind=PipelineRun', true],
    ['kind=TaskRun', false],
    ['by=ann', true],
    ['by=github', true],
    ['by=an', false],
    ['label=team%3Da', true],
    ['label=team+in+(a,b),!absent', true],
    ['label=team!%3Da', false],
    ['label=__proto__', false],
  ])('%j: %s', (query, matches) => {
    expect(readQuery(new URLSearchParams(query)).matches(run)).toBe(matches);
  });
});

describe('a query that cannot be read', () => {
  it.each([
    ['limit=0', 'limit: "0" is not 1 to 500'],
    ['limit=501', 'limit: "501" is not 1 to 500'],
    ['limit=1e3', 'limit: "1e3" is not 1 to 500'],
    ['status=broken', 'status: "broken" is none of pending, queued'],
    ['kind=Pod', 'kind: "Pod" is neither PipelineRun nor TaskRun'],
    ['ns=A', 'ns: "A" is no name of a namespace'],
    ['ns=../x', 'ns: "../x" is no name of a namespace'],
    [`ns=${Array.from({ length: 501 }, (_, index) => `n${index}`).join()}`, 'ns has 501 values; give at most 500'],
    ['label=a%20b%20c', 'label: label selector: cannot read "a b c"'],
    ['after=eA', 'after: "eA" is not the "next" of a page'],
    [`q=${'x'.repeat(5000)}`, 'the query is longer than 4096 characters'],
  ])('%.40s is refused', (query, message) => {
    expect(() => readQuery(new URLSearchParams(query))).toThrow(message);
  });
});
