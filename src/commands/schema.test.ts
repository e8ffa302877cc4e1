import { describe, expect, it } from 'vitest';
import { FakeEnvironment } from './environment.fake.ts';

async function run(line: string): Promise<{ status: number; out: string; err: string }> {
  const environment = new FakeEnvironment();
  // It needs no cluster.
  environment.connectFailure = new Error('no cluster');
  return { status: await environment.run(line), out: environment.out, err: environment.err };
}

interface Printed {
  $schema: string;
  title: string;
  definitions: Record<string, object>;
  properties?: { apiVersion: { enum: string[] } };
}

async function printed(line: string): Promise<Printed> {
  const { status, out, err } = await run(line);
  expect([status, err]).toEqual([0, '']);
  return JSON.parse(out) as Printed;
}

describe('tektite schema', () => {
  it('prints that of every kind', async () => {
    const { $schema, definitions } = await printed('schema');
    expect($schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(Object.keys(definitions)).toEqual(
      expect.arrayContaining([
        'tekton.dev.v1beta1.Task',
        'tekton.dev.v1.PipelineRun',
        'triggers.tekton.dev.v1beta1.Trigger',
      ]),
    );
  });

  it.each(['Task', 'task', 'tasks', 'tasks.tekton.dev'])('prints that of %s, in all versions', async (name) => {
    const { title, properties } = await printed(`schema ${name}`);
    expect([title, properties?.apiVersion.enum]).toEqual(['Task', ['tekton.dev/v1beta1', 'tekton.dev/v1']]);
  });

  it.each([
    ['Pipline', /there is no kind "Pipline"; did you mean Pipeline\? The kinds are Task, /],
    ['x'.repeat(100), /there is no kind "x{64}"; The kinds are /],
  ])('of %s there is none', async (name, message) => {
    const { status, out, err } = await run(`schema ${name}`);
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(message);
  });
});
