import { describe, expect, it } from 'vitest';
import { writtenRun } from './written-run.ts';

const form = { kind: 'Pipeline' as const, namespace: 'shop' };
const head = 'apiVersion: tekton.dev/v1\nkind: PipelineRun\n';
const whole = `${head}metadata:\n  generateName: release-\nspec:\n  pipelineRef:\n    name: release\n`;

describe('a run that somebody wrote', () => {
  it('is created as it stands, comments and all that YAML allows aside', () => {
    const text = `# by hand\n${whole}  params: [{name: tag, value: "1"}]\n`;
    expect(writtenRun(form, text)).toEqual({
      body: {
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: { generateName: 'release-' },
        spec: { pipelineRef: { name: 'release' }, params: [{ name: 'tag', value: '1' }] },
      },
    });
  });

  it('may be in JSON, and of a Task', () => {
    const body = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', metadata: { namespace: 'shop', name: 'x' }, spec: {} };
    expect(writtenRun({ ...form, kind: 'Task' }, JSON.stringify(body))).toEqual({ body });
  });

  const bomb = Array.from({ length: 30 }, (_, at) =>
    at === 0 ? 'a0: &a0 [x, x]' : `a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`,
  ).join('\n');
  it.each<[string, string, RegExp]>([
    ['nothing', '', /^it has to be a PipelineRun of tekton\.dev\/v1, and is nothing of nothing$/],
    ['a list', '- a', /has to be a PipelineRun/],
    ['no YAML', `${head}metadata: [`, /line 3|at line/],
    ['another kind', whole.replace('PipelineRun', 'Secret'), /and is "Secret" of "tekton\.dev\/v1"$/],
    ['another version', whole.replace('/v1', '/v1beta1'), /of "tekton\.dev\/v1beta1"$/],
    [
      'of another namespace',
      whole.replace('metadata:', 'metadata:\n  namespace: theirs'),
      /has to be shop here, .* "theirs"$/,
    ],
    ['without a name', `${head}metadata: {}\nspec: {}`, /a name, or a generateName/],
    ['with a name that is none', `${head}metadata: {name: 5}\nspec: {}`, /a name, or a generateName/],
    ['without a spec', `${head}metadata: {name: x}`, /^it has no spec$/],
    ['with a key twice', `${whole}spec: {}\n`, /unique/],
    ['of aliases of aliases', `${whole}${bomb}`, /aliases make far more/],
    ['of megabytes', `${whole}# ${'x'.repeat(2_000_000)}`, /more than 1,500,000 characters/],
  ])('is not created: %s', (_name, text, expected) => {
    const found = writtenRun(form, text);
    expect('problem' in found ? found.problem : '').toMatch(expected);
  });
});
