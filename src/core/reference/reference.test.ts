import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSettled, keyOf, referenceOf, type Reference, type WrittenReference } from './reference.ts';
import type { Resolved } from './resolved.ts';
import { withVerdicts } from './verdict.ts';

const git = (fields: Partial<WrittenReference> = {}): Reference<'Task'> =>
  referenceOf('Task', { resolver: 'git', ...fields }) as Reference<'Task'>;

describe('a written reference', () => {
  it.each<[string, WrittenReference, Reference | undefined]>([
    ['a name', { name: 't' }, { kind: 'inCluster', ofKind: 'Task', name: 't' }],
    ['a resolver', { resolver: 'git' }, { kind: 'remote', ofKind: 'Task', resolver: 'git', params: [] }],
    [
      'the concise syntax, once its resolver is written in',
      { name: 'https://example.com/t.yaml', resolver: 'http' },
      { kind: 'remote', ofKind: 'Task', resolver: 'http', params: [], url: 'https://example.com/t.yaml' },
    ],
    ['nothing', {}, undefined],
    ['empty texts', { name: '', resolver: '' }, undefined],
  ])('%s', (_name, written, expected) => {
    expect(referenceOf('Task', written)).toEqual(expected);
  });

  it.each<[string, Reference, boolean]>([
    ['a plain name', { kind: 'inCluster', ofKind: 'Task', name: 't' }, true],
    ['a name from a result', { kind: 'inCluster', ofKind: 'Task', name: '$(tasks.a.results.r)' }, false],
    ['params of a resolver', git({ params: [{ name: 'url', value: 'https://example.com' }] }), true],
    ['a param from a result', git({ params: [{ name: 'paths', value: ['x', '$(tasks.a.results.r)'] }] }), false],
    ['a URL from a result', git({ name: 'https://example.com/$(tasks.a.results.r)' }), false],
  ])('%s can be followed: %s', (_name, reference, expected) => {
    expect(isSettled(reference)).toBe(expected);
  });
});

describe('the key of a reference', () => {
  it('does not depend on the order of params', () => {
    const params = fc.uniqueArray(fc.record({ name: fc.string(), value: fc.string() }), {
      selector: ({ name }) => name,
    });
    fc.assert(
      fc.property(params, (given) => {
        expect(keyOf(git({ params: given }))).toBe(keyOf(git({ params: given.toReversed() })));
      }),
    );
  });

  it('is another for whatever else differs', () => {
    const references: Reference[] = [
      { kind: 'inCluster', ofKind: 'Task', name: 't' },
      { kind: 'inCluster', ofKind: 'Pipeline', name: 't' },
      { kind: 'inCluster', ofKind: 'StepAction', name: 't' },
      { kind: 'inCluster', ofKind: 'Task', name: 'u' },
      git(),
      git({ resolver: 'hub' }),
      git({ name: 't' }),
      git({ params: [{ name: 'a', value: 'b' }] }),
      git({ params: [{ name: 'a', value: ['b'] }] }),
      git({ params: [{ name: 'a', value: { b: '' } }] }),
    ];
    expect(new Set(references.map(keyOf)).size).toBe(references.length);
  });
});

describe('the condition TrustedResourcesVerified', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const found = (verdict?: Extract<Resolved, { kind: 'found' }>['verdict']): Resolved => ({
    kind: 'found',
    definition: { name: 't', metadata: {}, spec: {} },
    ...(verdict ? { verdict } : {}),
  });
  const passed = found({ kind: 'passed' });
  const warned = found({ kind: 'warned', message: 'no signature' });
  const refused: Resolved = { kind: 'failed', reason: 'Untrusted', message: 'another key' };
  const gone: Resolved = { kind: 'failed', reason: 'NotFound', message: 'gone' };
  it.each<[string, Resolved[], string]>([
    ['no policy applied', [found(), gone], 'none'],
    ['all passed', [passed, found(), passed], 'True undefined'],
    ['one has only a warning', [passed, warned, passed], 'False no signature'],
    ['one is refused', [passed, refused], 'False another key'],
  ])('%s', (_name, definitions, expected) => {
    const [condition] = withVerdicts(undefined, definitions, now) ?? [];
    expect(condition ? `${condition.status} ${condition.message}` : 'none').toBe(expected);
  });

  it('stays False whatever passes later', () => {
    const before = withVerdicts(undefined, [warned], now);
    expect(withVerdicts(before, [passed], now)).toEqual(before);
  });
});
