import { describe, expect, it } from 'vitest';
import { defaultValidationContext } from '../../api/pipeline/v1/validation.ts';
import { report } from './report.ts';
import { validateFiles, type SourceFile } from './run.ts';

const task = `apiVersion: tekton.dev/v1
kind: Task
metadata:
  name: greet
spec:
  params:
    - name: who
    - { name: how, default: loud }
  results:
    - name: said
  workspaces:
    - name: source
  steps:
    - name: say
      image: busybox:1
      script: echo "$(params.who) $(params.how)"
`;

const pipeline = (tasks: string) => `apiVersion: tekton.dev/v1
kind: Pipeline
metadata: { name: hello }
spec:
  workspaces: [{ name: w }]
  tasks:
${tasks}`;

const good = `    - name: first
      taskRef: { name: greet }
      params: [{ name: who, value: me }]
      workspaces: [{ name: source, workspace: w }]
`;

function found(files: Record<string, string>): string[] {
  const sources: SourceFile[] = Object.entries(files).map(([file, text]) => ({ file, text }));
  return validateFiles(sources, defaultValidationContext).findings.map(
    ({ file, line, column, severity, rule, message }) => `${file}:${line}:${column} ${severity} ${rule}: ${message}`,
  );
}

interface Row {
  what: string;
  files: Record<string, string>;
  want: string[];
}

const rows: Row[] = [
  { what: 'nothing wrong', files: { 't.yaml': task, 'p.yaml': pipeline(good) }, want: [] },
  {
    what: 'a misspelt field, with the one that was meant',
    files: { 't.yaml': task.replace('script:', 'scirpt:') },
    want: ['t.yaml:16:7 error invalid: unknown field "scirpt"; did you mean "script"?'],
  },
  {
    what: 'a misspelt field outside of the spec',
    files: { 't.yaml': task.replace('  name: greet', '  name: greet\n  lables: {}') },
    want: ['t.yaml:5:3 error invalid: unknown field "lables"; did you mean "labels"?'],
  },
  {
    what: 'a wrong type',
    files: { 't.yaml': task.replace('[{ name: w }]', 'x').replace('    - name: source', '    name: source') },
    want: ['t.yaml:11:3 error invalid: invalid value: {"name":"source"}: must be an array'],
  },
  {
    what: 'a field that the API server asks for',
    files: { 'p.yaml': pipeline('    - name: a\n      taskRef: { name: x }\n      params: [{ value: v }]\n') },
    want: ['p.yaml:9:16 error invalid: missing field(s)'],
  },
  {
    what: "admission's own words, at the place",
    files: { 't.yaml': task.replace('      image: busybox:1\n', '') },
    want: ['t.yaml:14:7 error invalid: missing field(s)'],
  },
  {
    what: 'a cycle',
    files: { 'p.yaml': pipeline(`${good}      runAfter: [first]\n`) },
    want: ['p.yaml:6:3 error invalid: invalid value: cycle detected; task "first" depends on "first"'],
  },
  {
    what: 'a param that the Task does not have, and one that it needs',
    files: { 't.yaml': task, 'p.yaml': pipeline(good.replace('name: who', 'name: whom')) },
    want: [
      'p.yaml:7:7 error missing-param: Task greet needs param "who"; give it a value',
      'p.yaml:9:16 error unknown-param: Task greet has no param "whom"; it has who, how',
    ],
  },
  {
    what: 'a param of another type',
    files: { 't.yaml': task, 'p.yaml': pipeline(good.replace('value: me', 'value: [a, b]')) },
    want: ['p.yaml:9:16 error param-type: param "who" of Task greet is of type string, not array'],
  },
  {
    what: 'a workspace that is not bound, and one that is not there',
    files: { 't.yaml': task, 'p.yaml': pipeline(good.replace('name: source', 'name: sauce')) },
    want: [
      'p.yaml:7:7 error missing-workspace: Task greet needs workspace "source"; bind it',
      'p.yaml:10:20 error unknown-workspace: Task greet has no workspace "sauce"; it has source',
    ],
  },
  {
    what: 'a result that the Task does not have',
    files: {
      't.yaml': task,
      'p.yaml': pipeline(
        `${good}${good.replace('first', 'second').replace('value: me', "value: '$(tasks.first.results.sayd)'")}`,
      ),
    },
    want: ['p.yaml:13:29 error unknown-result: task "first" has no result "sayd"; it has said'],
  },
  {
    what: 'a run that gives a Pipeline nothing',
    files: {
      'p.yaml': pipeline(good),
      'r.yaml':
        'apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: { name: r }\nspec:\n  pipelineRef: { name: hello }\n',
    },
    want: ['r.yaml:4:1 error missing-workspace: Pipeline hello needs workspace "w"; bind it'],
  },
  {
    what: 'a run of a template that gives a Pipeline nothing',
    files: {
      'p.yaml': pipeline(good),
      't.yaml': `apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: { name: t }
spec:
  resourcetemplates:
    - apiVersion: tekton.dev/v1
      kind: PipelineRun
      metadata: { generateName: r- }
      spec:
        pipelineRef: { name: hello }
        params: [{ name: whom, value: me }]
`,
    },
    want: [
      't.yaml:9:7 error missing-workspace: Pipeline hello needs workspace "w"; bind it',
      't.yaml:11:18 error unknown-param: Pipeline hello has no param "whom"; it has none',
    ],
  },
  {
    what: 'a Task that is not among the files may be on the cluster',
    files: { 'p.yaml': pipeline(good) },
    want: [],
  },
  {
    what: 'of two Tasks of one name, neither is the one',
    files: { 'a.yaml': task, 'b.yaml': task, 'p.yaml': pipeline(good.replace('name: who', 'name: whom')) },
    want: [],
  },
  {
    what: 'v1beta1, at its own places',
    files: {
      'r.yaml':
        'apiVersion: tekton.dev/v1beta1\nkind: TaskRun\nmetadata: { name: r }\nspec:\n  taskRef: { name: t, bundle: b }\n',
    },
    want: ['r.yaml:5:23 error invalid: must not set the field(s)'],
  },
  {
    what: 'a version that is none',
    files: { 't.yaml': task.replace('tekton.dev/v1', 'tekton.dev/v2') },
    want: ['t.yaml:1:1 error invalid: no Task of this version; the versions are tekton.dev/v1beta1, tekton.dev/v1'],
  },
  {
    what: 'objects of a List, one by one; others are passed over',
    files: {
      'l.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          { apiVersion: 'v1', kind: 'ConfigMap' },
          { apiVersion: 'tekton.dev/v1', kind: 'Task', metadata: { name: 't' }, spec: {} },
        ],
      }),
    },
    want: ['l.json:1:150 error invalid: missing field(s)'],
  },
  {
    what: 'no YAML',
    files: { 'x.yaml': 'a: [\n' },
    want: [expect.stringMatching(/^x.yaml:2:1 error yaml: /)],
  },
  {
    what: 'no object, and nothing at all',
    files: { 'x.yaml': '- 1\n---\n---\ntext\n' },
    want: [],
  },
  {
    what: 'aliases without end',
    files: {
      'x.yaml': `a: &a [x]\n${'bcdefgh'.replaceAll(/./g, (name, at: number) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]\n`)}`,
    },
    want: [expect.stringMatching(/^x.yaml:1:1 error yaml: Excessive alias count/)],
  },
];

describe('manifests are checked', () => {
  it.each(rows)('$what', ({ files, want }) => expect(found(files)).toEqual(want));
});

it('many objects take little time', () => {
  const text = Array.from({ length: 1_000 }, (_each, index) => task.replace('greet', `greet-${index}`)).join('---\n');
  const before = process.cpuUsage();
  const { objects } = validateFiles([{ file: 't.yaml', text }], defaultValidationContext);
  const { user, system } = process.cpuUsage(before);
  expect(objects).toBe(1_000);
  expect((user + system) / 1000).toBeLessThan(4_000);
});

describe('reports', () => {
  const { findings, objects } = validateFiles(
    [{ file: 't.yaml', text: task.replace('script:', 'scirpt:') }],
    defaultValidationContext,
  );
  it('for people', () => {
    expect(report(findings, objects, 'text', '1')).toBe(
      't.yaml:16:7: error: unknown field "scirpt"; did you mean "script"? (Task greet spec.steps[0].scirpt) [invalid]\n1 object(s): 1 error(s), 0 warning(s)\n',
    );
  });
  it('for programs', () => {
    expect(JSON.parse(report(findings, objects, 'json', '1'))).toEqual({ objects: 1, findings });
  });
  it('for code hosts', () => {
    expect(JSON.parse(report(findings, objects, 'sarif', '1'))).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'tektite validate', rules: [{ id: 'invalid' }] } },
          results: [
            {
              ruleId: 'invalid',
              level: 'error',
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 't.yaml' },
                    region: { startLine: 16, startColumn: 7 },
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });
});
