import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileJsonPath } from './template.ts';

const list = {
  items: [
    {
      metadata: { name: 'a', labels: { 'tekton.dev/pipeline': 'p' } },
      status: {
        conditions: [
          { type: 'Succeeded', status: 'True' },
          { type: 'Other', status: 'False' },
        ],
      },
    },
    { metadata: { name: 'b' }, status: { conditions: [{ type: 'Succeeded', status: 'False', n: 3 }] } },
  ],
};

describe('jsonpath', () => {
  it.each([
    ['a field', '{.items[0].metadata.name}', 'a'],
    ['the root sign', '{$.items[0].metadata.name}', 'a'],
    ['all of a list', '{.items[*].metadata.name}', 'a b'],
    ['from the end', '{.items[-1].metadata.name}', 'b'],
    ['range with a line each', '{range .items[*]}{.metadata.name}{"\\n"}{end}', 'a\nb\n'],
    ['range without a space', '{range.items[*]}{.metadata.name}{end}', 'ab'],
    ['tabs and text', '{range .items[*]}name={.metadata.name}{"\\t"}{end}', 'name=a\tname=b\t'],
    ['a filter', '{.items[0].status.conditions[?(@.type=="Succeeded")].status}', 'True'],
    ['a filter in single quotes', "{.items[0].status.conditions[?(@.type=='Other')].status}", 'False'],
    ['a filter on being there', '{.items[*].status.conditions[?(@.n)].type}', 'Succeeded'],
    ['a filter by size', '{.items[*].status.conditions[?(@.n>2)].n}', '3'],
    ['a quoted name', "{.items[0].metadata.labels['tekton\\.dev/pipeline']}", 'p'],
    ['a quoted path', "{.items[0]['metadata.name']}", 'a'],
    ['an escaped name', '{.items[0].metadata.labels.tekton\\.dev/pipeline}', 'p'],
    ['an object as JSON', '{.items[0].metadata.labels}', '{"tekton.dev/pipeline":"p"}'],
    ['what is not there', '{.items[0].nope.deeper}', ''],
    ['braces in a text', '{"{}"}', '{}'],
    ['everything of a name', '{..type}', 'Succeeded Other Succeeded'],
    ['everything of a name below', '{.items[0]..labels.*}', 'p'],
    [
      'everything below with members',
      '{.items[0].metadata..}',
      '{"name":"a","labels":{"tekton.dev/pipeline":"p"}} a {"tekton.dev/pipeline":"p"} p',
    ],
    ['a slice', '{.items[0:2].metadata.name}', 'a b'],
    ['a slice from an index', '{.items[1:].metadata.name}', 'b'],
    ['a slice from the end', '{.items[-1:].metadata.name}', 'b'],
    ['a slice to one before the end', '{.items[:-1].metadata.name}', 'a'],
    ['every second', '{.items[0:2:2].metadata.name}', 'a'],
    ['a slice of nothing, anywhere', '{.items[7:7].metadata.name}', ''],
    ['several names', "{.items[1].status.conditions[0]['type', 'n']}", 'Succeeded 3'],
    ['several indexes', '{.items[1,0].metadata.name}', 'b a'],
    ['the bytes of a text', '{.items[0].metadata.name.*}', '97'],
    ['a parenthesis in a text to compare', '{.items[?(@.metadata.name!=")]")].metadata.name}', 'a b'],
    ['one field against another', '{.items[?(@.metadata.name==@.metadata.name)].metadata.name}', 'a b'],
    ['an index of what is not there', '{.nope[3]}', ''],
    ['the whole', '{.items[1].status.conditions[0].n}', '3'],
  ])('%s', (_name, template, expected) => {
    expect(compileJsonPath(template)(list)).toBe(expected);
  });

  it.each([
    '{.items[0]',
    '{range .items[*]}{.a}',
    '{.a}{end}',
    '{items[0].metadata.name}',
    "{.items[0].metadata['x,y','name']}",
    '{.items["a"]}',
    '{.items[-]}',
    '{"a}',
    '{.a)}{',
    '{.items[?(@.a=="b)]}',
    '{.items[?(@.a=="b"]}',
    '{%}',
    '{.items[]}',
    '{.items[a]}',
    '{.a....b}',
    '{.items[?(@.a==b)]}',
  ])('refuses %s', (template) => {
    expect(() => compileJsonPath(template)).toThrow(/jsonpath/);
  });

  it.each([
    ['{.items[2]}', 'array index out of bounds: index 2, length 2'],
    ['{.items[-3].metadata}', 'array index out of bounds: index -1, length 2'],
    ['{.items[0:3]}', 'array index out of bounds: index 2, length 2'],
    ['{.items[1:0]}', 'starting index 1 is greater than ending index 0'],
    ['{.items[0:1:0]}', 'step must be > 0'],
    ['{.items[0].metadata.name[0]}', 'string is not array or slice'],
    ['{.items[0].metadata[*]}', 'map[string]interface {} is not array or slice'],
    ['{.items[0].metadata.name[?(@.x)]}', '"a" is not array or slice and cannot be filtered'],
  ])('fails where kubectl does: %s', (template, message) => {
    expect(() => compileJsonPath(template)(list)).toThrow(
      `error executing jsonpath ${JSON.stringify(template)}: Error executing template: ${message}`,
    );
  });

  it('prints every value as a list of JSON', () => {
    expect(compileJsonPath('{.items[*].metadata.name}{"-"}{.nope}', { asJson: true })(list)).toBe(
      '[\n    "a",\n    "b"\n]\n[\n    "-"\n]\n[]\n',
    );
  });

  it('prints any text at any field', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,10}$/), fc.string(), (name, value) => {
        expect(compileJsonPath(`{.${name}}`)({ [name]: value })).toBe(value);
      }),
    );
  });
});
