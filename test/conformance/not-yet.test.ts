import { describe, expect, it } from 'vitest';
import { judge, type NotYet } from './not-yet.ts';

const list: Record<string, NotYet> = { 'later.yaml': { because: 'rockets', says: /rocket/ } };

describe('judge', () => {
  it.each<[string, string, { verdict: string; detail: string }, string | undefined]>([
    ['an example passes', 'a.yaml', { verdict: 'pass', detail: '' }, undefined],
    ['an example fails', 'a.yaml', { verdict: 'fail', detail: 'boom' }, 'a.yaml must pass: boom'],
    ['an example has no run', 'a.yaml', { verdict: 'none', detail: 'no run in it' }, 'a.yaml must pass: no run in it'],
    ['one that needs more fails so', 'later.yaml', { verdict: 'fail', detail: 'no rocket' }, undefined],
    [
      'one that needs more fails otherwise',
      'later.yaml',
      { verdict: 'fail', detail: 'timeout' },
      'later.yaml is expected to fail for want of rockets, but says: timeout',
    ],
    [
      'one that needs more begins to pass',
      'later.yaml',
      { verdict: 'pass', detail: '' },
      'later.yaml passes now: take it off test/conformance/not-yet.ts',
    ],
  ])('%s', (_name, file, outcome, message) => {
    if (message === undefined) expect(() => judge(file, outcome, list)).not.toThrow();
    else expect(() => judge(file, outcome, list)).toThrow(message);
  });
});
