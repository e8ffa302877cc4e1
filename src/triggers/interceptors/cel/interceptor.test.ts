import { describe, expect, it } from 'vitest';
import type { InterceptorRequest } from '../wire.ts';
import { fakeWorld } from '../world.fake.ts';
import { celEvent, error, standardCases, triggerCases } from './cases.fake.ts';
import { cel } from './interceptor.ts';

const world = fakeWorld({ 'default/hook/token': 'hunter2', 'default/other/token': 'x' });

function ask(params: Record<string, unknown>, more: Partial<InterceptorRequest> = {}) {
  return cel(
    {
      body: JSON.stringify(celEvent.body),
      header: celEvent.header,
      extensions: celEvent.extensions,
      interceptor_params: params,
      context: { event_url: celEvent.requestURL, event_id: 'e', trigger_id: 'namespaces/default/triggers/t' },
      ...more,
    },
    world,
  );
}

describe('expressions about an event', () => {
  it.each([...standardCases, ...triggerCases])('%s', async (expression, value) => {
    const answer = await ask({ overlays: [{ key: 'x', expression }] });
    if (value === error) expect(answer).toMatchObject({ continue: false });
    else expect(answer).toEqual({ continue: true, extensions: { x: value } });
  });
});

describe('the filter', () => {
  it.each([
    ['true', "body.ref == 'refs/heads/main'", { continue: true }],
    [
      'false',
      "body.ref == 'x'",
      { continue: false, status: { code: 9, message: "expression body.ref == 'x' did not return true" } },
    ],
    [
      'no boolean',
      'body.ref',
      { continue: false, status: { code: 9, message: 'expression body.ref did not return true' } },
    ],
    [
      'an error',
      'body.nope',
      {
        continue: false,
        status: {
          code: 3,
          message: 'error evaluating cel expression: expression "body.nope" failed to evaluate: no such key: nope',
        },
      },
    ],
    [
      'no CEL',
      'body.',
      {
        continue: false,
        status: {
          code: 3,
          message: expect.stringMatching(
            /^error evaluating cel expression: failed to parse expression "body\.": 1:/,
          ) as string,
        },
      },
    ],
    [
      'an unknown name',
      'bdy.ref',
      {
        continue: false,
        status: {
          code: 3,
          message:
            'error evaluating cel expression: expression "bdy.ref" check failed: 1:1: undeclared reference to \'bdy\'',
        },
      },
    ],
  ])('%s', async (_name, filter, expected) => expect(await ask({ filter })).toEqual(expected));

  it('comes before overlays', async () => {
    const overlays = [{ key: 'x', expression: '1' }];
    expect(await ask({ filter: 'false', overlays })).toMatchObject({ continue: false });
    expect(await ask({ filter: 'true', overlays })).toEqual({ continue: true, extensions: { x: 1 } });
  });
});

describe('overlays', () => {
  it.each<readonly [string, [string, string][], unknown]>([
    ['one', [['branch', "body.ref.split('/')[2]"]], { branch: 'main' }],
    [
      'nested',
      [
        ['a.b', '1'],
        ['a.c', '"x"'],
      ],
      { a: { b: 1, c: 'x' } },
    ],
    ['a dot in a name', [['a\\.b', '1']], { 'a.b': 1 }],
    [
      'the last wins',
      [
        ['a', '1'],
        ['a', '2'],
      ],
      { a: 2 },
    ],
    ['a name of JavaScript', [['__proto__.x', '1']], JSON.parse('{"__proto__":{"x":1}}')],
    ['bytes', [['a', "b'hi'"]], { a: 'aGk=' }],
    ['null inside', [['a', '[null]']], { a: [null] }],
  ])('%s', async (_name, list, extensions) => {
    const overlays = list.map(([key, expression]) => ({ key, expression }));
    expect(JSON.stringify(await ask({ overlays }))).toBe(JSON.stringify({ continue: true, extensions }));
  });

  it('all see the event as it came', async () => {
    const overlays = [
      { key: 'a', expression: '1' },
      { key: 'b', expression: 'has(extensions.a)' },
    ];
    expect(await ask({ overlays })).toEqual({ continue: true, extensions: { a: 1, b: false } });
  });

  it.each(['null', '1u', '0.0/0.0', "timestamp('2026-01-01T00:00:00Z')"])('cannot be %s', async (expression) => {
    expect(await ask({ overlays: [{ key: 'a', expression }] })).toMatchObject({
      continue: false,
      status: { code: 13 },
    });
  });
});

describe('hostile input', () => {
  it.each([
    ['no JSON', { body: 'x' }, 3],
    ['a list', { body: '[]' }, 3],
    ['depth', { body: '{"a":'.repeat(5_000) }, 3],
    ['no context', { context: {} }, 3],
    ['a trigger id that is none', { context: { trigger_id: '../default/triggers/t' } }, 3],
  ])('is refused: %s', async (_name, more, code) => {
    expect(await ask({ filter: 'true' }, more)).toMatchObject({ continue: false, status: { code } });
  });

  it('an empty body is an empty object', async () => {
    expect(await ask({ filter: 'size(body) == 0' }, { body: '' })).toEqual({ continue: true });
  });

  it('never looks at prototypes', async () => {
    expect(await ask({ filter: 'has(body.constructor) || has(extensions.toString)' })).toMatchObject({
      status: { code: 9 },
    });
  });

  it('names a bounded number of secrets', async () => {
    const filter = Array.from({ length: 20 }, (_, index) => `'x'.compareSecret('k${index}', 's')`).join(' || ');
    expect(await ask({ filter })).toMatchObject({ continue: false, status: { code: 3 } });
  });
});
