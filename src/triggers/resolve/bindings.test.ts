import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { piecesOf, resolveParams, type EventContext } from './bindings.ts';
import { canonicalHeader } from './header.ts';

const event: EventContext = {
  body: {
    ref: 'refs/heads/main',
    count: 3,
    big: 1e21,
    yes: true,
    none: null,
    quote: 'say "hi" \\o/\n',
    'a.b': 'dotted',
    object: { z: 1, a: [1, 'two'] },
    list: ['one', 'two', { k: 'v' }],
    commits: [
      { id: 'c1', author: 'ann' },
      { id: 'c2', author: 'bob' },
    ],
  },
  header: canonicalHeader({ 'x-github-event': 'push', accept: ['a', 'b'] }),
  extensions: { branch: 'main', nested: { deep: 'x' } },
  eventId: '0f1e',
};

function valueOf(value: string, fallback?: string): string {
  const [param] = resolveParams([{ name: 'p', value }], [{ name: 'p', default: fallback }], event);
  return param?.text ?? '';
}

describe('values of bindings', () => {
  it.each([
    ['a literal', 'plain', 'plain'],
    ['nothing', '', ''],
    ['of the body', '$(body.ref)', 'refs/heads/main'],
    ['text around', 'a-$(body.count)-$(body.yes)-z', 'a-3-true-z'],
    ['braces and dots', '$({.body.ref})$({body.count})$(.body.count)', 'refs/heads/main33'],
    ['null', '$(body.none)', 'null'],
    ['a text with what JSON escapes', '$(body.quote)', 'say "hi" \\o/\n'],
    ['an object', '$(body.object)', '{"z":1,"a":[1,"two"]}'],
    ['a list', '$(body.list)', '["one","two",{"k":"v"}]'],
    ['an element', '$(body.list[0])', 'one'],
    ['the last', '$(body.list[-1].k)', 'v'],
    ['a slice is a list', '$(body.list[0:2])', '["one","two"]'],
    ['several values are a list', '$(body.commits[*].id)', '["c1","c2"]'],
    ['one of several is itself', '$(body.commits[:1].id)', 'c1'],
    ['a filter', "$(body.commits[?(@.author=='bob')].id)", 'c2'],
    ['a filter with parentheses in its text', "$(body.commits[?(@.author!='(bob)')].id)", '["c1","c2"]'],
    ['a dot in a key', '$(body.a\\.b)', 'dotted'],
    ['everywhere', '$(body..id)', '["c1","c2"]'],
    ['the whole of a large number', '$(body.big)', '1e+21'],
    ['a header', '$(header.X-Github-Event)', 'push'],
    ['a header in another case', '$(header.x-github-event)', 'push'],
    ['a header of several values', '$(header.Accept)', 'a,b'],
    ['all headers', '$(header)', '{"X-Github-Event":"push","Accept":"a,b"}'],
    ['of interceptors', '$(extensions.branch)/$(extensions.nested.deep)', 'main/x'],
    ['the id of the event', '$(context.eventID)', '0f1e'],
    ['an empty expression', 'a$()b', 'ab'],
    ['of nested ones the inner', '$($(body.count))', '$(3)'],
    ['no end', '$(body.ref', '$(body.ref'],
    ['a literal with escapes of JSON', 'a\\nb \\"c\\"', 'a\nb "c"'],
    ['a literal with a quote', 'a "b" \\n', 'a "b" \\n'],
  ])('%s', (_name, value, expected) => expect(valueOf(value)).toBe(expected));

  it.each([
    ['a default for what is not there', 'x-$(body.nope)-y', 'main', 'x-main-y'],
    ['a default only for the part that fails', '$(body.ref):$(body.nope)', 'main', 'refs/heads/main:main'],
    ['a default for an index', '$(body.list[7])', 'none', 'none'],
    ['no default where something is', '$(body.ref)', 'main', 'refs/heads/main'],
  ])('%s', (_name, value, fallback, expected) => expect(valueOf(value, fallback)).toBe(expected));

  it.each([
    [
      'nothing there',
      '$(body.nope.deeper)',
      'failed to replace JSONPath value for param p: $(body.nope.deeper): nope is not found',
    ],
    [
      'an index of a header',
      '$(header.Accept[0])',
      'failed to replace JSONPath value for param p: $(header.Accept[0]): string is not array or slice',
    ],
    [
      'braces within',
      '$(body.{ref})',
      "failed to replace JSONPath value for param p: $(body.{ref}): unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
    ],
  ])('fails: %s', (_name, value, message) => expect(() => valueOf(value)).toThrow(message));
});

describe('params of a template', () => {
  it('are those of bindings and the defaults of others', () => {
    expect(
      resolveParams(
        [{ name: 'ref', value: '$(body.ref)' }],
        [{ name: 'ref', default: 'x' }, { name: 'url', default: 'https://example.com' }, { name: 'unbound' }],
        event,
      ),
    ).toEqual([
      { name: 'ref', text: 'refs/heads/main', origin: 'event' },
      { name: 'url', text: 'https://example.com', origin: 'default' },
    ]);
  });

  it('have one binding each', () => {
    const bindings = ['a', 'b', 'a'].map((name) => ({ name, value: 'x' }));
    expect(() => resolveParams(bindings, [], event)).toThrow('duplicate param name: a');
  });

  it('are any text, unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const [param] = resolveParams([{ name: 'p', value: '$(body.t)' }], [], { ...event, body: { t: text } });
        expect(param?.text).toBe(text);
      }),
    );
  });

  it('lose nothing of a value when it is parted', () => {
    const part = fc.constantFrom('$(', '(', ')', 'body.a', '$', ' ', '$()');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const value = parts.join('');
        const joined = piecesOf(value).map((piece) => (piece.kind === 'text' ? piece.text : `$(${piece.text})`));
        expect(joined.join('')).toBe(value);
      }),
    );
  });
});
