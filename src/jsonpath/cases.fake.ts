/** The cases of client-go's util/jsonpath/jsonpath_test.go, on the same input as JSON. */
type Row = readonly [name: string, template: string, expected: string];
type RowOfInput = readonly [name: string, input: unknown, template: string, expected: string];

const types = {
  bools: [true, false, true, false],
  integers: [1, 2, 3, 4],
  floats: [1.0, 2.2, 3.3, 4.0],
  strings: ['one', 'two', 'three', 'four'],
  interfaces: [true, 'one', 1, 1.1],
  maps: [
    { name: 'one', value: 1 },
    { name: 'two', value: 2.02 },
    { name: 'three', value: 3.03 },
    { name: 'four', value: 4.04 },
  ],
};

const store = {
  Book: [
    { Category: 'reference', Author: 'Nigel Rees', Title: 'Sayings of the Centurey', Price: 8.95 },
    { Category: 'fiction', Author: 'Evelyn Waugh', Title: 'Sword of Honour', Price: 12.99 },
    { Category: 'fiction', Author: 'Herman Melville', Title: 'Moby Dick', Price: 8.99 },
  ],
  Bicycle: [
    { Color: 'red', Price: 19.95, IsNew: true },
    { Color: 'green', Price: 20.01, IsNew: false },
  ],
  Name: 'jsonpath',
  Labels: { engieer: 10, 'web/html': 15, 'k8s-app': 20 },
  Employees: { jason: 'manager', dan: 'clerk' },
};

const points = [
  { id: 'i1', x: 4, y: -5 },
  { id: 'i2', x: -2, y: -5, z: 1 },
  { id: 'i3', x: 8, y: 3 },
  { id: 'i4', x: -6, y: -1 },
  { id: 'i5', x: 0, y: 2, z: 1 },
  { id: 'i6', x: 1, y: 4 },
];

const nodes = {
  kind: 'List',
  items: [
    {
      kind: 'None',
      metadata: { name: '127.0.0.1', labels: { 'kubernetes.io/hostname': '127.0.0.1' } },
      status: {
        capacity: { cpu: '4' },
        ready: true,
        addresses: [{ type: 'LegacyHostIP', address: '127.0.0.1' }],
      },
    },
    {
      kind: 'None',
      metadata: { name: '127.0.0.2', labels: { 'kubernetes.io/hostname': '127.0.0.2' } },
      status: {
        capacity: { cpu: '8' },
        ready: false,
        addresses: [
          { type: 'LegacyHostIP', address: '127.0.0.2' },
          { type: 'another', address: '127.0.0.3' },
        ],
      },
    },
  ],
  users: [
    { name: 'myself', user: {} },
    { name: 'e2e', user: { username: 'admin', password: 'secret' } },
  ],
};

const another = [{ name: 'value1' }, { name: 'value2' }];
const nested = {
  items: [
    {
      metadata: { name: 'pod1' },
      spec: {
        containers: [
          { name: 'foo', another },
          { name: 'bar', another },
        ],
      },
    },
    { metadata: { name: 'pod2' }, spec: { containers: [{ name: 'baz', another }] } },
  ],
};

const containers = (count: number) => ({
  spec: { containers: Array.from({ length: count }, (_, index) => ({ name: `fake${index}` })) },
});
const annotated = {
  items: [
    { metadata: { name: 'pod1', annotations: { color: 'blue' } } },
    { metadata: { name: 'pod2' } },
    { metadata: { name: 'pod3', annotations: { color: 'green' } } },
    { metadata: { name: 'pod4', annotations: { color: 'blue' } } },
  ],
};
const running = {
  items: [
    ...['pod1', 'pod2', 'pod3'].map((name) => ({ metadata: { name }, status: { phase: 'Running' } })),
    { resourceVersion: '' },
  ],
};

/** With keys that are missing refused. */
export const foundCases: readonly (readonly [string, unknown, readonly Row[]])[] = [
  [
    'lists of each type',
    types,
    [
      ['boolSlice', '{ .bools }', '[true,false,true,false]'],
      ['boolSliceIndex', '{ .bools[0] }', 'true'],
      ['boolSliceIndex from the end', '{ .bools[-1] }', 'false'],
      ['boolSubSlice', '{ .bools[0:2] }', 'true false'],
      ['boolSubSliceFirst2', '{ .bools[:2] }', 'true false'],
      ['boolSubSliceStep2', '{ .bools[:4:2] }', 'true true'],
      ['integerSlice', '{ .integers }', '[1,2,3,4]'],
      ['integerSliceIndex', '{ .integers[0] }', '1'],
      ['integerSliceIndexReverse', '{ .integers[-2] }', '3'],
      ['integerSubSliceFirst2', '{ .integers[0:2] }', '1 2'],
      ['integerSubSliceFirst2Alt', '{ .integers[:2] }', '1 2'],
      ['integerSubSliceStep2', '{ .integers[:4:2] }', '1 3'],
      ['floatSlice', '{ .floats }', '[1,2.2,3.3,4]'],
      ['floatSliceIndex', '{ .floats[0] }', '1'],
      ['floatSliceIndexReverse', '{ .floats[-2] }', '3.3'],
      ['floatSubSliceFirst2', '{ .floats[0:2] }', '1 2.2'],
      ['floatSubSliceFirst2Alt', '{ .floats[:2] }', '1 2.2'],
      ['floatSubSliceStep2', '{ .floats[:4:2] }', '1 3.3'],
      ['stringSlice', '{ .strings }', '["one","two","three","four"]'],
      ['stringSliceIndex', '{ .strings[0] }', 'one'],
      ['stringSliceIndexReverse', '{ .strings[-2] }', 'three'],
      ['stringSubSliceFirst2', '{ .strings[0:2] }', 'one two'],
      ['stringSubSliceFirst2Alt', '{ .strings[:2] }', 'one two'],
      ['stringSubSliceStep2', '{ .strings[:4:2] }', 'one three'],
      ['interfaceSlice', '{ .interfaces }', '[true,"one",1,1.1]'],
      ['interfaceSliceIndex', '{ .interfaces[0] }', 'true'],
      ['interfaceSliceIndexReverse', '{ .interfaces[-2] }', '1'],
      ['interfaceSubSliceFirst2', '{ .interfaces[0:2] }', 'true one'],
      ['interfaceSubSliceFirst2Alt', '{ .interfaces[:2] }', 'true one'],
      ['interfaceSubSliceStep2', '{ .interfaces[:4:2] }', 'true 1'],
      [
        'mapSlice',
        '{ .maps }',
        '[{"name":"one","value":1},{"name":"two","value":2.02},{"name":"three","value":3.03},{"name":"four","value":4.04}]',
      ],
      ['mapSliceIndex', '{ .maps[0] }', '{"name":"one","value":1}'],
      ['mapSliceIndexReverse', '{ .maps[-2] }', '{"name":"three","value":3.03}'],
      ['mapSubSliceFirst2', '{ .maps[0:2] }', '{"name":"one","value":1} {"name":"two","value":2.02}'],
      ['mapSubSliceFirst2Alt', '{ .maps[:2] }', '{"name":"one","value":1} {"name":"two","value":2.02}'],
      ['mapSubSliceStepOdd', '{ .maps[::2] }', '{"name":"one","value":1} {"name":"three","value":3.03}'],
      ['mapSubSliceStepEven', '{ .maps[1::2] }', '{"name":"two","value":2.02} {"name":"four","value":4.04}'],
    ],
  ],
  [
    'no input',
    null,
    [
      ['plain', 'hello jsonpath', 'hello jsonpath'],
      ['quote', '{"{"}', '{'],
    ],
  ],
  ['numbers', [1, 2, 3], [['recursive', '{..}', '[1,2,3]']]],
  ['numbers to filter', [2, 6, 3, 7], [['filter', '{[?(@<5)]}', '2 3']]],
  ['numbers from 0', [0, 1, 2, 3, 4], [['union', '{[1,3,4]}', '1 3 4']]],
  ['days', ['Monday', 'Tudesday'], [['array', '{[0:2]}', 'Monday Tudesday']]],
  [
    'a store',
    store,
    [
      ['variable', 'hello {.Name}', 'hello jsonpath'],
      ['dict/', '{$.Labels.web/html}', '15'],
      ['dict of another type', '{$.Employees.jason}', 'manager'],
      ['dict of another type, the other', '{$.Employees.dan}', 'clerk'],
      ['dict-', '{.Labels.k8s-app}', '20'],
      ['nest', '{.Bicycle[*].Color}', 'red green'],
      ['allarray', '{.Book[*].Author}', 'Nigel Rees Evelyn Waugh Herman Melville'],
      ['allfields', '{range .Bicycle[*]}{ "{" }{ @.* }{ "} " }{end}', '{red 19.95 true} {green 20.01 false} '],
      ['recurfields', '{..Price}', '8.95 12.99 8.99 19.95 20.01'],
      ['recurdotfields', '{...Price}', '8.95 12.99 8.99 19.95 20.01'],
      [
        'allstructsSlice',
        '{.Bicycle}',
        '[{"Color":"red","Price":19.95,"IsNew":true},{"Color":"green","Price":20.01,"IsNew":false}]',
      ],
      [
        'allstructs',
        '{range .Bicycle[*]}{ @ }{ " " }{end}',
        '{"Color":"red","Price":19.95,"IsNew":true} {"Color":"green","Price":20.01,"IsNew":false} ',
      ],
      [
        'lastarray',
        '{.Book[-1:]}',
        '{"Category":"fiction","Author":"Herman Melville","Title":"Moby Dick","Price":8.99}',
      ],
      [
        'recurarray',
        '{..Book[2]}',
        '{"Category":"fiction","Author":"Herman Melville","Title":"Moby Dick","Price":8.99}',
      ],
      ['bool', '{.Bicycle[?(@.IsNew==true)]}', '{"Color":"red","Price":19.95,"IsNew":true}'],
    ],
  ],
  [
    'points',
    points,
    [
      ['exists filter', '{[?(@.z)].id}', 'i2 i5'],
      ['bracket key', "{[0]['id']}", 'i1'],
    ],
  ],
  [
    'nodes',
    nodes,
    [
      ['range item', '{range .items[*]}{.metadata.name}, {end}{.kind}', '127.0.0.1, 127.0.0.2, List'],
      ['range item with quote', '{range .items[*]}{.metadata.name}{"\\t"}{end}', '127.0.0.1\t127.0.0.2\t'],
      ['range addresss', '{.items[*].status.addresses[*].address}', '127.0.0.1 127.0.0.2 127.0.0.3'],
      [
        'double range',
        '{range .items[*]}{range .status.addresses[*]}{.address}, {end}{end}',
        '127.0.0.1, 127.0.0.2, 127.0.0.3, ',
      ],
      ['item name', '{.items[*].metadata.name}', '127.0.0.1 127.0.0.2'],
      [
        'union nodes capacity',
        "{.items[*]['metadata.name', 'status.capacity']}",
        '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}',
      ],
      [
        'range nodes capacity',
        '{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}',
        '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
      ],
      ['user password', '{.users[?(@.name=="e2e")].user.password}', 'secret'],
      ['hostname', '{.items[0].metadata.labels.kubernetes\\.io/hostname}', '127.0.0.1'],
      ['hostname filter', '{.items[?(@.metadata.labels.kubernetes\\.io/hostname=="127.0.0.1")].kind}', 'None'],
      ['bool item', '{.items[?(@..ready==true)].metadata.name}', '127.0.0.1'],
      ['recursive name', '{..name}', '127.0.0.1 127.0.0.2 myself e2e'],
    ],
  ],
  [
    'ranges in ranges',
    nested,
    [
      [
        'nested range with a trailing newline',
        '{range .items[*]}{.metadata.name}{":"}{range @.spec.containers[*]}{.name}{","}{end}{"+"}{end}',
        'pod1:foo,bar,+pod2:baz,+',
      ],
      [
        'nested range within another nested range',
        '{range .items[*]}{.metadata.name}{"~"}{range @.spec.containers[*]}{.name}{":"}{range @.another[*]}{.name}{","}{end}{"+"}{end}{"#"}{end}',
        'pod1~foo:value1,value2,+bar:value1,value2,+#pod2~baz:value1,value2,+#',
      ],
      [
        'two nested ranges at the same level',
        '{range .items[*]}{.metadata.name}{"\\t"}{range @.spec.containers[*]}{.name}{" "}{end}{"\\t"}{range @.spec.containers[*]}{.name}{" "}{end}{"\\n"}{end}',
        'pod1\tfoo bar \tfoo bar \npod2\tbaz \tbaz \n',
      ],
    ],
  ],
  [
    'four containers',
    containers(4),
    [
      ['[0]', '{.spec.containers[0].name}', 'fake0'],
      ['[0:0] is empty', '{.spec.containers[0:0].name}', ''],
      ['[0:-1] is [0:3]', '{.spec.containers[0:-1].name}', 'fake0 fake1 fake2'],
      ['[-1] is [3]', '{.spec.containers[-1].name}', 'fake3'],
      ['[-1:] is [3:]', '{.spec.containers[-1:].name}', 'fake3'],
      ['[-2] is [2]', '{.spec.containers[-2].name}', 'fake2'],
      ['[-2:] is [2:]', '{.spec.containers[-2:].name}', 'fake2 fake3'],
      ['[-3] is [1]', '{.spec.containers[-3].name}', 'fake1'],
      ['[-4] is [0]', '{.spec.containers[-4].name}', 'fake0'],
      ['[-4:] is [0:]', '{.spec.containers[-4:].name}', 'fake0 fake1 fake2 fake3'],
      ['[5:5] is empty', '{.spec.containers[5:5].name}', ''],
      ['[-5:-5] is empty', '{.spec.containers[-5:-5].name}', ''],
    ],
  ],
  [
    'six containers',
    containers(6),
    [
      ['[0:] is [0:6:1]', '{.spec.containers[0:].name}', 'fake0 fake1 fake2 fake3 fake4 fake5'],
      ['[0:6:] is [0:6:1]', '{.spec.containers[0:6:].name}', 'fake0 fake1 fake2 fake3 fake4 fake5'],
      ['[0:6:1]', '{.spec.containers[0:6:1].name}', 'fake0 fake1 fake2 fake3 fake4 fake5'],
      ['[1:4:2]', '{.spec.containers[1:4:2].name}', 'fake1 fake3'],
      ['[1:4:3]', '{.spec.containers[1:4:3].name}', 'fake1'],
      ['[1:4:4]', '{.spec.containers[1:4:4].name}', 'fake1'],
      ['[0:6:2]', '{.spec.containers[0:6:2].name}', 'fake0 fake2 fake4'],
      ['[0:6:3]', '{.spec.containers[0:6:3].name}', 'fake0 fake3'],
      ['[0:6:5]', '{.spec.containers[0:6:5].name}', 'fake0 fake5'],
      ['[0:6:6]', '{.spec.containers[0:6:6].name}', 'fake0'],
    ],
  ],
];

/** With keys that are missing allowed. */
export const missingCases: readonly RowOfInput[] = [
  ['nonexistent field', store, '{.hello}', ''],
  ['nonexistent field 2', store, 'before-{.hello}after', 'before-after'],
  ['empty range', { items: [] }, '{range .items[*]}{.metadata.name}{end}', ''],
  [
    'empty nested range',
    { items: [] },
    '{range .items[*]}{.metadata.name}{":"}{range @.spec.containers[*]}{.name}{","}{end}{"+"}{end}',
    '',
  ],
  [
    'filter, some items have no annotations',
    annotated,
    '{.items[?(@.metadata.annotations.color=="blue")].metadata.name}',
    'pod1 pod4',
  ],
  [
    'range over pods without selecting the last one',
    running,
    '{range .items[?(.status.phase=="Running")]}{.metadata.name}{" is Running\\n"}{end}',
    'pod1 is Running\npod2 is Running\npod3 is Running\n',
  ],
];

/** What fails, and how, with keys that are missing refused. */
export const failingCases: readonly RowOfInput[] = [
  ['invalid identifier', store, '{hello}', 'unrecognized identifier hello'],
  ['nonexistent field', store, '{.hello}', 'hello is not found'],
  ['invalid array', store, '{.Labels[0]}', 'map[string]interface {} is not array or slice'],
  ['invalid filter operator', store, '{.Book[?(@.Price<>10)]}', 'unrecognized filter operator <>'],
  ['a regular expression', store, "{.Bicycle[?(@.Color=~'.*ed.*')]}", 'unrecognized filter operator =~'],
  ['redundant end', store, '{range .Labels.*}{@}{end}{end}', 'not in range, nothing to end'],
  ['superrecurfields', store, `{${'.'.repeat(60)}Price}`, 'invalid multiple recursive descent'],
  [
    'filter, some items have no annotations',
    annotated,
    '{.items[?(@.metadata.annotations.color=="blue")].metadata.name}',
    'annotations is not found',
  ],
  ['[-1:0]', containers(4), '{.spec.containers[-1:0].name}', 'starting index 3 is greater than ending index 0'],
  ['[-5]', containers(4), '{.spec.containers[-5].name}', 'array index out of bounds: index -1, length 4'],
  ['[3:1]', containers(4), '{.spec.containers[3:1].name}', 'starting index 3 is greater than ending index 1'],
  ['[-1:-2]', containers(4), '{.spec.containers[-1:-2].name}', 'starting index 3 is greater than ending index 2'],
  ['[0:6:0]', containers(6), '{.spec.containers[0:6:0].name}', 'step must be > 0'],
  ['[0:6:-1]', containers(6), '{.spec.containers[0:6:-1].name}', 'step must be > 0'],
  ['types that differ', points, '{[?(@.id==1)].id}', 'incompatible types for comparison'],
  ['several values to compare', nodes, '{.items[?(@..address=="x")]}', 'can only compare one element at a time'],
];
