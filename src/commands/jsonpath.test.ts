import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileJsonPath } from './jsonpath.ts';

const list = {
  items: [
    { metadata: { name: 'a', labels: { 'tekton.dev/pipeline': 'p' } }, status: { conditions: [{ type: 'Succeeded', status: 'True' }, { type: 'Other', status: 'False' }] } },
    { metadata: { name: 'b' }, status: { conditions: [{ type: 'Succeeded', status: 'False', n: 3 }] } },
  ],
};

describe('jsonpath', () => {
  it.each([
    ['a field', '{.items[0].metadata.name}', 'a'],
    ['the root sign', '{$.items[0].metadata.name}', 'a'],
    ['without the first dot', '{items[0].metadata.name}', 'a'],
    ['all of a list', '{.items[*].metadata.name}', 'a b'],
    ['from the end', '{.items[-1].metadata.name}', 'b'],
    ['range with a line each', '{range .items[*]}{.metadata.name}{"\\n"}{end}', 'a\nb\n'],
    ['tabs and text', '{range .items[*]}name={.metadata.name}{"\\t"}{end}', 'name=a\tname=b\t'],
    ['a filter', '{.items[0].status.conditions[?(@.type=="Succeeded")].status}', 'True'],
    ['a filter in single quotes', "{.items[0].status.conditions[?(@.type=='Other')].status}", 'False'],
    ['a filter on being there', '{.items[*].status.conditions[?(@.n)].type}', 'Succeeded'],
    ['a filter by size', '{.items[*].status.conditions[?(@.n>2)].n}', '3'],
    ['a quoted name', "{.items[0].metadata.labels['tekton.dev/pipeline']}", 'p'],
    ['an escaped name', '{.items[0].metadata.labels.tekton\\.dev/pipeline}', 'p'],
    ['an object as JSON', '{.items[0].metadata.labels}', '{"tekton.dev/pipeline":"p"}'],
    ['what is not there', '{.items[0].nope.deeper}', ''],
    ['braces in a text', '{"{}"}', '{}'],
    ['the whole', '{.items[1].status.conditions[0].n}', '3'],
  ])('%s', (_name, template, expected) => {
    expect(compileJsonPath(template)(list)).toBe(expected);
  });

  it.each(['{.items[0]', '{range .items[*]}{.a}', '{.a}{end}', '{.items[0:2]}', '{..name}', '{.items[?(@.a==b)]}', '}'])('refuses %s', (template) => {
    expect(() => compileJsonPath(template)).toThrow(/jsonpath/);
  });

  it('prints any text at any field', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,10}$/), fc.string(), (name, value) => {
      expect(compileJsonPath(`{.${name}}`)({ [name]: value })).toBe(value);
    }));
  });
});
