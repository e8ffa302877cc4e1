import { describe, expect, test } from 'vitest';
import { labelMatcher } from './selector.ts';

const labels = { app: 'web', tier: 'front', 'app.kubernetes.io/managed-by': 'tekton-pipelines', empty: '' };

describe('labelMatcher', () => {
  test.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app=db', false],
    ['app!=db', true],
    ['app!=web', false],
    ['missing!=x', true],
    ['app in (web, db)', true],
    ['app in (db)', false],
    ['app notin (db,x)', true],
    ['app notin (web)', false],
    ['missing notin (a)', true],
    ['missing in (a)', false],
    ['app', true],
    ['missing', false],
    ['constructor', false],
    ['!__proto__', true],
    ['!missing', true],
    ['!app', false],
    ['app=web,tier in (front,back),!missing', true],
    ['app=web,tier=back', false],
    ['app.kubernetes.io/managed-by=tekton-pipelines', true],
    ['empty=', true],
    ['app=', false],
    [' app = web , tier ', true],
  ])('%j: %s', (selector, wanted) => expect(labelMatcher(selector)(labels)).toBe(wanted));

  test.each(['app in web', 'a=b=c', 'app in (a', ',', '=x'])('%j is refused, naming the term', (selector) => {
    expect(() => labelMatcher(selector)).toThrow('label selector: cannot read');
  });

  test('an object without labels matches only what asks for absence', () => {
    expect(labelMatcher('!app')(undefined)).toBe(true);
    expect(labelMatcher('app')(undefined)).toBe(false);
  });
});
