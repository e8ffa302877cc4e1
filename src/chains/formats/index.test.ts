import { describe, expect, test } from 'vitest';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import type { Artifact, FormatSettings } from '../types.ts';
import { fixture, pipelineRun, settings, taskRun } from './fixture.fake.ts';
import { artifactsOf } from './index.ts';

const hex = '05f95b26ed10668b7183c1e2da98610e91372fa9f510046d4ce5812addad86b5';
const image = [
  { name: 'IMAGE_URL', value: 'busybox:1' },
  { name: 'IMAGE_DIGEST', value: `sha256:${hex}` },
];
const text = ({ payload }: Artifact) => Buffer.from(payload.json).toString('utf8');
const statement = (artifact: Artifact) =>
  JSON.parse(text(artifact)) as { subject?: unknown; predicate: Record<string, never> };

describe('what is signed', () => {
  test('a TaskRun and the images of its results', () => {
    const { artifacts } = artifactsOf(taskRun({ status: { results: image } }), [], settings());
    expect(artifacts.map(({ kind, shortKey, fullKey }) => ({ kind, shortKey, fullKey }))).toEqual([
      { kind: 'taskrun', shortKey: 'taskrun-uid-1', fullKey: 'tekton.dev-v1-TaskRun-uid-1' },
      { kind: 'oci', shortKey: hex.slice(0, 12), fullKey: `index.docker.io/library/busybox@sha256:${hex}` },
    ]);
    expect(artifacts.map(({ payload }) => ({ ...payload, json: undefined }))).toEqual([
      {
        payloadType: 'application/vnd.in-toto+json',
        predicateType: 'https://slsa.dev/provenance/v0.2',
        wrap: true,
        subjects: [{ repository: 'index.docker.io/library/busybox', digest: `sha256:${hex}` }],
      },
      {
        payloadType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        wrap: false,
        subjects: [{ repository: 'index.docker.io/library/busybox', digest: `sha256:${hex}` }],
      },
    ]);
    // Byte for byte what Tekton Chains signs.
    expect(text(artifacts[1]!)).toBe(
      `{"critical":{"identity":{"docker-reference":"index.docker.io/library/busybox"},"image":{"docker-manifest-digest":"sha256:${hex}"},"type":"cosign container image signature"},"optional":null}`,
    );
  });

  test('a PipelineRun too has the images of its results signed', () => {
    const { artifacts } = artifactsOf(pipelineRun({ status: { results: image } }), [], settings());
    expect(artifacts.map(({ kind, shortKey }) => `${kind} ${shortKey}`)).toEqual([
      'pipelinerun pipelinerun-uid-1',
      `oci ${hex.slice(0, 12)}`,
    ]);
  });

  test.each<[string, Partial<FormatSettings>, string[]]>([
    ['everything', {}, ['taskrun', 'oci']],
    ['no attestations', { taskrun: { enabled: false, format: 'in-toto' } }, ['oci']],
    ['no image signatures', { oci: { enabled: false } }, ['taskrun']],
    [
      'the other type does not matter',
      { pipelinerun: { enabled: false, format: 'in-toto', deepInspection: false } },
      ['taskrun', 'oci'],
    ],
  ])('%s', (_, changes, kinds) => {
    const { artifacts } = artifactsOf(taskRun({ status: { results: image } }), [], { ...settings(), ...changes });
    expect(artifacts.map(({ kind }) => kind)).toEqual(kinds);
  });

  test('faults are told once, and nothing else suffers', () => {
    const results = [
      ...image,
      { name: 'bad-IMAGE_URL', value: 'x y' },
      { name: 'bad-IMAGE_DIGEST', value: `sha256:${hex}` },
    ];
    const { artifacts, problems } = artifactsOf(taskRun({ status: { results } }), [], settings('slsa/v2alpha4'));
    expect(problems.map(({ subject }) => subject)).toEqual(['result bad-IMAGE_URL']);
    expect(artifacts.map(({ kind }) => kind)).toEqual(['taskrun', 'oci']);
  });
});

describe('bytes', () => {
  test("fields of the statement in protojson's order, those below sorted, no white space", () => {
    const run = taskRun({ metadata: { labels: { b: '2', a: '<1>' } }, status: { results: image } });
    const [attestation] = artifactsOf(run, [], settings()).artifacts;
    expect(text(attestation!)).toBe(
      `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"index.docker.io/library/busybox","digest":{"sha256":"${hex}"}}],"predicateType":"https://slsa.dev/provenance/v0.2",` +
        '"predicate":{"buildConfig":{"steps":[]},"buildType":"tekton.dev/v1/TaskRun","builder":{"id":"https://tekton.dev/chains/v2"},' +
        '"invocation":{"configSource":{},"environment":{"labels":{"a":"<1>","b":"2"}},"parameters":{}},' +
        '"metadata":{"completeness":{"environment":false,"materials":false,"parameters":false},"reproducible":false}}}',
    );
  });

  test('no subject, no key for it', () => {
    expect(statement(artifactsOf(taskRun({}), [], settings('slsa/v2alpha4')).artifacts[0]!)).not.toHaveProperty(
      'subject',
    );
  });

  test.each(['in-toto', 'slsa/v2alpha3', 'slsa/v2alpha4'] as const)(
    '%s: the same whatever the order of keys and children',
    (format) => {
      const { run, children } = fixture('pipeline-matrix-finally');
      const reversed = (value: unknown): unknown => {
        if (Array.isArray(value)) return value.map(reversed);
        return typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, item]) => [key, reversed(item)]),
            )
          : value;
      };
      const one = artifactsOf(run, children, settings(format, { deep: true }));
      const other = artifactsOf(
        reversed(run) as typeof run,
        (reversed(children) as typeof children).reverse(),
        settings(format, { deep: true }),
      );
      expect(other.artifacts.map(text)).toEqual(one.artifacts.map(text));
    },
  );

  test('contents are escaped as Go escapes JSON', () => {
    const run = taskRun({ status: { results: [{ name: 'r', value: '<a> & \u2028' }] } });
    const { predicate } = statement(artifactsOf(run, [], settings('slsa/v2alpha3')).artifacts[0]!) as unknown as {
      predicate: { runDetails: { byproducts: unknown } };
    };
    expect(predicate.runDetails.byproducts).toEqual([
      {
        name: 'taskRunResults/r',
        mediaType: 'application/json',
        content: Buffer.from(String.raw`"\u003ca\u003e \u0026 \u2028"`).toString('base64'),
      },
    ]);
  });
});

describe('resolvers', () => {
  const refSource = {
    uri: 'git+https://example.com/t.git',
    digest: { sha256: 'b', sha1: 'a' },
    entryPoint: 'task.yaml',
  };
  const source = (taskRef?: { name?: string; resolver?: string }) => {
    const run = taskRun({ spec: { taskRef }, status: { provenance: { refSource } } });
    return (
      statement(artifactsOf(run, [], settings('slsa/v2alpha4')).artifacts[0]!) as unknown as {
        predicate: { buildDefinition: { externalParameters: { buildConfigSource?: unknown } } };
      }
    ).predicate.buildDefinition.externalParameters.buildConfigSource;
  };

  test.each([
    ['git', { resolver: 'git' }, { ref: 'sha1:a', repository: 'git+https://example.com/t.git', path: 'task.yaml' }],
    [
      'the cluster resolver is one',
      { resolver: 'cluster' },
      { ref: 'sha1:a', repository: 'git+https://example.com/t.git', path: 'task.yaml' },
    ],
    ['none', { name: 'build' }, undefined],
    ['empty', { resolver: '' }, undefined],
    ['embedded', undefined, undefined],
    ["upstream's exception", { resolver: 'Cluster' }, undefined],
  ])('%s', (_, taskRef, expected) => {
    expect(source(taskRef)).toEqual(expected);
  });
});

describe('dependencies of SLSA 1.0', () => {
  const dependencies = (run: ReturnType<typeof taskRun>) =>
    (
      statement(artifactsOf(run, [], settings('slsa/v2alpha4')).artifacts[0]!) as unknown as {
        predicate: { buildDefinition: { resolvedDependencies?: { name?: string; uri?: string }[] } };
      }
    ).predicate.buildDefinition.resolvedDependencies;
  const refSource = { uri: 'git+https://example.com/x.git', digest: { sha1: 'a' } };

  test('repetitions go, but for definitions', () => {
    const run = taskRun({
      status: {
        provenance: { refSource },
        steps: [
          { name: 'one', imageID: 'i@sha256:1', provenance: { refSource } },
          { name: 'two', imageID: 'i@sha256:1', provenance: { refSource } },
        ],
        sidecars: [{ name: 'side', imageID: 'i@sha256:1' }],
        results: [
          { name: 'CHAINS-GIT_URL', value: 'https://example.com/x' },
          { name: 'CHAINS-GIT_COMMIT', value: 'a' },
        ],
      },
    });
    expect(dependencies(run)?.map(({ name, uri }) => `${name ?? '-'} ${uri}`)).toEqual([
      'task git+https://example.com/x.git',
      '- oci://i',
      'stepAction/one git+https://example.com/x.git',
      'stepAction/two git+https://example.com/x.git',
    ]);
  });

  test('whole children with slsa-tekton, the same after another write to them', () => {
    const run = pipelineRun({ status: { pipelineSpec: { tasks: [{ name: 'build' }] } } });
    const child = (resourceVersion: string) =>
      taskRun({
        metadata: { name: 'c', resourceVersion, labels: { 'tekton.dev/pipelineTask': 'build' } },
        status: { completionTime: '2026-08-20T09:00:00Z' },
      });
    const [first, later] = ['1', '2'].map((version) =>
      text(
        artifactsOf(
          run,
          [child(version)],
          settings('slsa/v2alpha4', { buildType: 'https://tekton.dev/chains/v2/slsa-tekton' }),
        ).artifacts[0]!,
      ),
    );
    expect(later).toBe(first);
    const { predicate } = JSON.parse(first!) as {
      predicate: { buildDefinition: { resolvedDependencies: { content: string }[] } };
    };
    expect(
      JSON.parse(Buffer.from(predicate.buildDefinition.resolvedDependencies[0]!.content, 'base64').toString()),
    ).toEqual({
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      metadata: { name: 'c', namespace: 'team', uid: 'uid-1', labels: { 'tekton.dev/pipelineTask': 'build' } },
      spec: { serviceAccountName: '' },
      status: { podName: '', completionTime: '2026-08-20T09:00:00Z' },
    });
  });

  test('none', () => {
    expect(dependencies(taskRun({}))).toBeUndefined();
  });
});

describe('children', () => {
  const run = pipelineRun({
    status: {
      pipelineSpec: { tasks: [{ name: 'build' }] },
      childReferences: [{ kind: 'TaskRun', name: 'run-build', pipelineTaskName: 'build' }],
    },
  });
  const tasks = (children: ReturnType<typeof taskRun>[]) =>
    (
      statement(artifactsOf(run, children, settings()).artifacts[0]!) as unknown as {
        predicate: { buildConfig: { tasks: Record<string, unknown>[] } };
      }
    ).predicate.buildConfig.tasks;
  const done = { completionTime: '2026-08-20T09:00:00Z', taskSpec: {} };

  test('are known by their label', () => {
    expect(
      tasks([taskRun({ metadata: { name: 'other', labels: { 'tekton.dev/pipelineTask': 'build' } }, status: done })]),
    ).toContainEqual(expect.objectContaining({ name: 'build', finishedOn: '2026-08-20T09:00:00Z' }));
  });

  test('that failed before they had a spec are no part of the build', () => {
    const failed = {
      completionTime: '2026-08-20T09:00:00Z',
      conditions: [{ type: 'Succeeded', status: 'False' as const }],
    };
    expect(tasks([taskRun({ metadata: { name: 'run-build' }, status: failed })])).toEqual([]);
  });

  test('or by what the run says of them, should the label be gone', () => {
    expect(tasks([taskRun({ metadata: { name: 'run-build' }, status: done })])).toEqual([
      expect.objectContaining({ name: 'build', finishedOn: '2026-08-20T09:00:00Z' }),
    ]);
  });

  test('those that are gone are named, without steps, times and status', () => {
    expect(tasks([])).toEqual([
      {
        name: 'build',
        ref: {},
        child: { kind: 'TaskRun', name: 'run-build' },
        invocation: { configSource: {}, parameters: {} },
      },
    ]);
  });

  test('one whose steps do not fit its spec is left out and told', () => {
    const child = taskRun({
      metadata: { name: 'run-build' },
      status: { ...done, steps: [{ name: 'a' }], taskSpec: { steps: [{ name: 'a' }, { name: 'b' }] } },
    });
    const { problems } = artifactsOf(run, [child], settings());
    expect(tasks([child])).toEqual([]);
    expect(problems).toEqual([
      {
        subject: 'TaskRun run-build',
        message: 'left out of buildConfig: its 1 step states do not fit the 2 steps of its spec',
      },
    ]);
  });

  test('an unnamed state beside a named step does not fit', () => {
    const child = taskRun({
      metadata: { name: 'run-build' },
      status: { ...done, steps: [{ name: 'unnamed-0' }], taskSpec: { steps: [{ name: 'a' }] } },
    });
    expect(tasks([child])).toEqual([]);
  });
});

test('a run that never got its spec is attested', () => {
  const { artifacts } = artifactsOf(
    pipelineRun({ status: { conditions: [{ type: 'Succeeded', status: 'False', reason: 'CouldntGetPipeline' }] } }),
    [],
    settings(),
  );
  expect(statement(artifacts[0]!).predicate).toMatchObject({ buildConfig: { tasks: null } });
});

const listed = (count: number) =>
  Array.from({ length: count }, (_, index) => `r.io/team/i${index}@sha256:${hex}`).join(',');

describe('subjects as upstream names them', () => {
  const subjectsOf = (format: 'slsa/v1' | 'slsa/v2alpha4', results: { name: string; value: ParamValue }[]) => {
    const [attestation] = artifactsOf(taskRun({ status: { results } }), [], settings(format)).artifacts;
    return (statement(attestation!).subject as { name: string }[] | undefined)?.map(({ name }) => name);
  };

  test.each([
    ['a tag', 'ghcr.io/a/b:1', ['ghcr.io/a/b:1', 'ghcr.io/a/b']],
    ['a short name', 'busybox', ['busybox', 'index.docker.io/library/busybox']],
    ['its normalised name', 'ghcr.io/a/b', ['ghcr.io/a/b']],
    ['no image', 'pkg:npm/A@1', ['pkg:npm/A@1']],
  ])('a build artifact with %s', (_name, uri, expected) => {
    const value = { uri, digest: `sha256:${hex}`, isBuildArtifact: 'true' };
    for (const format of ['slsa/v1', 'slsa/v2alpha4'] as const)
      expect(subjectsOf(format, [{ name: 'x-ARTIFACT_OUTPUTS', value }])).toEqual(expected);
  });

  test.each([
    ['oci://ghcr.io/a/b:1', ['oci://ghcr.io/a/b']],
    ['https://ghcr.io/a/b', ['https://ghcr.io/a/b']],
    ['https://ghcr.io:5000/a/b', undefined],
    ['https://GHCR.io/a', undefined],
  ])('the image result %s', (url, expected) => {
    const results = [
      { name: 'IMAGE_URL', value: url },
      { name: 'IMAGE_DIGEST', value: `sha256:${hex}` },
    ];
    const { artifacts, problems } = artifactsOf(taskRun({ status: { results } }), [], settings('slsa/v1'));
    expect(subjectsOf('slsa/v1', results)).toEqual(expected);
    // Nobody can pull it, so that it is neither signed nor stored beside: that is told.
    expect(artifacts.map(({ kind, payload }) => [kind, payload.subjects])).toEqual([['taskrun', []]]);
    expect(problems).toHaveLength(1);
  });
});

describe('what results name is counted first', () => {
  const madeOf = (results: { name: string; value: ParamValue }[]) =>
    artifactsOf(taskRun({ status: { results } }), [], settings('slsa/v2alpha4'));
  const tooManyImages = (count: number) =>
    `name ${count} images and other artifacts, and at most 256 images of a run are signed`;

  test.each([
    [256, 257, []],
    [257, 1, [tooManyImages(257)]],
    [2000, 0, ['name 2000 artifacts, and an attestation may have 1024 subjects', tooManyImages(2000)]],
  ])('%d images make %d artifacts', (count, made, told) => {
    const { artifacts, problems } = madeOf([{ name: 'IMAGES', value: listed(count) }]);
    expect(artifacts).toHaveLength(made);
    expect(problems.map(({ message, refused }) => [message.split(': ')[0], refused])).toEqual(
      told.map((message) => [message, true]),
    );
  });

  // 1.5 MB of results, which is what a run can hold.
  test.each<[string, { name: string; value: ParamValue }[]]>([
    ['names between commas', [{ name: 'IMAGES', value: listed(15_000) }]],
    ['commas', [{ name: 'IMAGES', value: ','.repeat(1_500_000) }]],
    ['halves of pairs', Array.from({ length: 30_000 }, (_, index) => ({ name: `${index}IMAGE_DIGEST`, value: 'x' }))],
    ['one long name', [{ name: 'IMAGES', value: 'a'.repeat(1_500_000) }]],
    ['many colons', [{ name: 'IMAGES', value: ':@'.repeat(750_000) }]],
    [
      'inputs',
      Array.from({ length: 10_000 }, (_, index) => ({
        name: `${index}ARTIFACT_INPUTS`,
        value: { uri: `u${index % 7}`, digest: `sha256:${index.toString(16).padStart(64, '0')}` },
      })),
    ],
  ])('so that %s cost next to nothing', (_name, results) => {
    const before = process.cpuUsage();
    madeOf(results);
    // Alone on a processor it is less than 100 ms.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000);
  });
});
