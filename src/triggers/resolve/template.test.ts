import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaceDeep, stringReplacements } from '../../core/substitution/replacements.ts';
import type { Param } from './bindings.ts';
import { fillTemplates } from './template.ts';

const events = (texts: Record<string, string>): Param[] =>
  Object.entries(texts).map(([name, text]) => ({ name, text, origin: 'event' }));

const run = (spec: unknown, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'PipelineRun',
  metadata,
  spec,
});
const params = (value: string) => ({ params: [{ name: 'p', value }] });
const configMap = (value: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', data: { key: value } });

describe('a template', () => {
  it.each<readonly [string, string, Record<string, string>, string]>([
    ['a param', 'x-$(tt.params.a)-y', { a: '1' }, 'x-1-y'],
    ['twice', '$(tt.params.a)$(tt.params.a)', { a: '1' }, '11'],
    ['a param without a value stays', '$(tt.params.b)', { a: '1' }, '$(tt.params.b)'],
    ['the id of this event', '$(uid)', {}, 'UID'],
    [
      'variables of Tekton stay',
      '$(context.pipelineRun.name)-$(tt.params.a)',
      { a: '1' },
      '$(context.pipelineRun.name)-1',
    ],
    ['a value that looks like a param', '$(tt.params.a)', { a: '$(tt.params.b)', b: 'B' }, '$$(tt.params.b)'],
    ['a value that looks like the id', '$(tt.params.a)', { a: '$(uid)' }, '$$(uid)'],
    ['a value that is JSON', '$(tt.params.a)', { a: '{"x":"y"}' }, '{"x":"y"}'],
    ['a value that would end the text', '$(tt.params.a)', { a: '","evil":"1' }, '","evil":"1'],
    ['what String.replace replaces', '[$(tt.params.a)]', { a: "$&$1$'$$" }, "[$&$1$'$$]"],
    ['a variable', '$(tt.params.a)', { a: 'echo $(params.token)' }, 'echo $$(params.token)'],
    ['a variable behind an escape', '$(tt.params.a)', { a: '$$(TOKEN)' }, '$$$$(TOKEN)'],
    ['a variable in two values', '$(tt.params.a)$(tt.params.b)', { a: 'x$', b: '(TOKEN)' }, 'x$$(TOKEN)'],
    ['a variable half in the template', '$(tt.params.a)(TOKEN)', { a: '$' }, '$$(TOKEN)'],
    ['a variable half in the template, the other half', '$$(tt.params.a)', { a: '(TOKEN)' }, '$$(TOKEN)'],
    ['dollars alone', '$(tt.params.a)', { a: 'costs $5 (five)' }, 'costs $5 (five)'],
  ])('%s', (_name, text, values, expected) => {
    expect(fillTemplates([run(params(text))], events(values), 'UID')).toEqual([run(params(expected))]);
    expect(fillTemplates([configMap(text)], events(values), 'UID')).toEqual([configMap(expected)]);
  });

  it('is filled in names, labels and keys too', () => {
    const template = run({}, { generateName: '$(tt.params.a)-', labels: { '$(tt.params.a)': 'x' } });
    expect(fillTemplates([template], events({ a: 'main' }), 'UID')).toEqual([
      run({}, { generateName: 'main-', labels: { main: 'x' } }),
    ]);
  });

  it('keeps numbers, null and odd keys', () => {
    const template = JSON.parse('{"apiVersion":"v1","kind":"X","__proto__":{"a":[1,null,true]}}') as unknown;
    expect(JSON.stringify(fillTemplates([template], [], 'UID'))).toBe(JSON.stringify([template]));
  });

  it("takes a template's own default for what it is", () => {
    const own: Param = { name: 'a', text: '$(context.pipelineRun.name)', origin: 'default' };
    expect(fillTemplates([run(params('$(tt.params.a)'))], [own], 'UID')).toEqual([
      run(params('$(context.pipelineRun.name)')),
    ]);
  });

  it.each([
    ["a task's script", { taskSpec: { steps: [{ script: 'echo $(tt.params.a)' }] } }, 'spec.taskSpec.steps.script'],
    ['a workspace', { workspaces: [{ name: 'w', subPath: '$(tt.params.a)' }] }, 'spec.workspaces.subPath'],
    ['a resolver', { pipelineRef: { params: [{ value: '$(tt.params.a)' }] } }, 'spec.pipelineRef.params.value'],
  ])('refuses variables of an event where Tekton replaces them: %s', (_name, spec, place) => {
    expect(fillTemplates([run(spec)], events({ a: 'harmless (really) $5' }), 'UID')).toHaveLength(1);
    expect(() => fillTemplates([run(spec)], events({ a: '$(params.token)' }), 'UID')).toThrow(
      `the event has "$(" in a value for ${place}, where Tekton would replace it as a variable; pass the value through spec.params of the run`,
    );
  });

  it('is an object of a kind', () => {
    expect(() => fillTemplates([{ kind: 'X' }], [], 'UID')).toThrow(
      'resourcetemplates[0] is no object with apiVersion and kind; give it both',
    );
  });

  it('makes nothing larger than is stored', () => {
    const values = Array.from({ length: 100 }, () => '$(tt.params.a)');
    expect(() => fillTemplates([run({ params: values })], events({ a: 'x'.repeat(100_000) }), 'UID')).toThrow(
      'the object would be larger than 1500000 characters',
    );
  });
});

describe('no event', () => {
  const nasty = fc
    .array(
      fc.constantFrom('$', '(', ')', '$(', 'params.secret', 'tt.params.b', 'uid', '"', '\\', '{', '}', 'x', '\n'),
      {
        maxLength: 12,
      },
    )
    .map((parts) => parts.join(''));
  const text = fc
    .array(fc.constantFrom('$(tt.params.a)', '$(tt.params.b)', '$', '(', 'params.secret', ')', 'x'), { maxLength: 6 })
    .map((parts) => parts.join(''));

  it('changes the shape of what is made', () => {
    fc.assert(
      fc.property(text, nasty, nasty, (template, a, b) => {
        const [made] = fillTemplates([run(params(template))], events({ a, b }), 'UID');
        const shape = JSON.parse(JSON.stringify(made)) as { spec: { params: unknown[] } };
        expect(Object.keys(shape)).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
        expect(shape.spec.params).toHaveLength(1);
      }),
    );
  });

  it("makes a Task's script read a secret: what replaces variables finds none", () => {
    const script = (value: string) => ({ taskSpec: { steps: [{ script: value }] } });
    fc.assert(
      fc.property(nasty, nasty, (a, b) => {
        let made;
        try {
          [made] = fillTemplates([run(script('echo $(tt.params.a)$(tt.params.b)'))], events({ a, b }), 'UID');
        } catch {
          return;
        }
        expect(replaceDeep(made, stringReplacements({ 'params.secret': 'SECRET' }))).toEqual(made);
      }),
    );
  });

  it("makes the kubelet read a variable: after its rules the event's text stands there", () => {
    // Kubernetes' expansion: $$ is $, $(NAME) is a value.
    const kubelet = (value: string): string =>
      value.replace(/\$\$|\$\(([^)]*)\)/g, (_whole, name?: string) => (name === undefined ? '$' : `<${name}>`));
    fc.assert(
      fc.property(nasty, (a) => {
        const [made] = fillTemplates([configMap('$(tt.params.a)')], events({ a }), 'UID');
        const { key } = made?.['data'] as { key: string };
        expect(kubelet(key)).not.toContain('<');
      }),
    );
  });
});
