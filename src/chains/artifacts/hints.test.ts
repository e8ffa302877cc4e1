import { describe, expect, test } from 'vitest';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import type { FormatProblem } from '../types.ts';
import {
  artifactsFromPairs,
  buildArtifacts,
  imagesFromHints,
  imagesToSign,
  inputArtifacts,
  isByProduct,
  outputArtifacts,
  type NamedResult,
  type Report,
} from './hints.ts';

// The inputs are those of upstream's signable_test.go, as data.
const d1 = '05f95b26ed10668b7183c1e2da98610e91372fa9f510046d4ce5812addad86b5';
const d2 = '05f95b26ed10668b7183c1e2da98610e91372fa9f510046d4ce5812addad86b6';
const d3 = '05f95b26ed10668b7183c1e2da98610e91372fa9f510046d4ce5812addad86b7';
const sha = (hex: string) => `sha256:${hex}`;

function results(given: Record<string, ParamValue>): NamedResult[] {
  return Object.entries(given).map(([name, value]) => ({ name, value }));
}

/** What a reader takes from results, and what it told about the rest. */
function taken<T>(
  read: (results: NamedResult[], report: Report) => T,
  given: Record<string, ParamValue>,
): { found: T; problems: string[] } {
  const problems: FormatProblem[] = [];
  const found = read(results(given), (problem) => problems.push(problem));
  return { found, problems: problems.map(({ subject, message }) => `${subject}: ${message}`) };
}

describe('IMAGE_URL with IMAGE_DIGEST, and IMAGES', () => {
  const names = (given: Record<string, ParamValue>) =>
    taken(imagesFromHints, given).found.map(({ repository, digest }) => `${repository}@${digest}`);

  test('pairs by what stands before the ending', () => {
    const { found, problems } = taken(imagesFromHints, {
      img1_IMAGE_URL: 'img1',
      img1_IMAGE_DIGEST: sha(d1),
      img2_IMAGE_URL: 'img2',
      img2_IMAGE_DIGEST: sha(d2),
      IMAGE_URL: 'img3',
      IMAGE_DIGEST: sha(d1),
      img4_IMAGE_URL: 'img4',
      img5_IMAGE_DIGEST: 'sha123:abc',
      empty_str_IMAGE_DIGEST: '',
      empty_str_IMAGE_URL: '',
    });
    expect(found).toEqual([
      { repository: 'index.docker.io/library/img1', digest: sha(d1) },
      { repository: 'index.docker.io/library/img2', digest: sha(d2) },
      { repository: 'index.docker.io/library/img3', digest: sha(d1) },
    ]);
    expect(problems).toEqual([
      'result img4_IMAGE_URL: left out: no result img4_IMAGE_DIGEST beside it',
      'result img5_IMAGE_DIGEST: left out: no result img5_IMAGE_URL beside it',
    ]);
  });

  test.each([
    [
      'white space around the values',
      { IMAGE_URL: ' gcr.io/foo/bar\n', IMAGE_DIGEST: `\t${sha(d1)}\n` },
      [`gcr.io/foo/bar@${sha(d1)}`],
    ],
    ['a tag goes', { IMAGE_URL: 'gcr.io/foo/bar:v1', IMAGE_DIGEST: sha(d1) }, [`gcr.io/foo/bar@${sha(d1)}`]],
    ['only text counts', { IMAGE_URL: ['gcr.io/foo/bar'], IMAGE_DIGEST: sha(d1) }, []],
    ['gibberish beside', { IMAGE_URL: 'foo', gibberish: 'baz' }, []],
    [
      'IMAGES with commas',
      { IMAGES: `  \n \tgcr.io/foo/bar@${sha(d1)}\n,gcr.io/baz/bar@${sha(d2)}` },
      [`gcr.io/foo/bar@${sha(d1)}`, `gcr.io/baz/bar@${sha(d2)}`],
    ],
    [
      'IMAGES with lines',
      { IMAGES: `gcr.io/foo/bar@${sha(d1)}\ngcr.io/baz/bar@${sha(d2)}\n\n` },
      [`gcr.io/foo/bar@${sha(d1)}`, `gcr.io/baz/bar@${sha(d2)}`],
    ],
    ['IMAGES is the whole name', { MY_IMAGES: `gcr.io/foo/bar@${sha(d1)}` }, []],
    ['IMAGES as a list is not read, as upstream', { IMAGES: [`gcr.io/foo/bar@${sha(d1)}`] }, []],
    [
      'one bad entry does not spoil the rest',
      { IMAGES: `gcr.io/foo/bar:tag,gcr.io/baz/bar@${sha(d2)}` },
      [`gcr.io/baz/bar@${sha(d2)}`],
    ],
  ])('%s', (_, given, expected) => {
    expect(names(given)).toEqual(expected);
  });

  test('a bad pair is told by name', () => {
    expect(taken(imagesFromHints, { 'a-IMAGE_URL': 'https://gcr.io/foo', 'a-IMAGE_DIGEST': sha(d1) }).problems).toEqual(
      [
        `result a-IMAGE_URL: not taken as an image: image "https://gcr.io/foo@${sha(d1)}": must be without a scheme (leave out everything up to and with ://)`,
      ],
    );
  });

  test('the last result of a name counts', () => {
    const twice = [
      { name: 'IMAGE_URL', value: 'gcr.io/a/b' },
      { name: 'IMAGE_DIGEST', value: sha(d1) },
      { name: 'IMAGE_URL', value: 'gcr.io/c/d' },
    ];
    expect(imagesFromHints(twice, () => {})).toEqual([{ repository: 'gcr.io/c/d', digest: sha(d1) }]);
  });
});

test('ARTIFACT_URI with ARTIFACT_DIGEST', () => {
  const { found, problems } = taken(artifactsFromPairs, {
    mvn1_ARTIFACT_URI: 'maven/com.google.guava:guava:31.0-jre',
    mvn1_ARTIFACT_DIGEST: sha(d1),
    mvn1_pom_ARTIFACT_URI: 'com.google.guava:guava:31.0-jre.pom',
    mvn1_pom_ARTIFACT_DIGEST: sha(d2),
    ARTIFACT_URI: 'maven/empty_prefix',
    ARTIFACT_DIGEST: `SHA256: ${d1}`,
    miss_target_name_ARTIFACT_DIGEST: sha(d1),
    wrong_ARTIFACT_URI: 'maven/wrong',
    wrong_ARTIFACT_DIGEST: 'abc',
  });
  expect(found).toEqual([
    { name: 'maven/com.google.guava:guava:31.0-jre', digest: { sha256: d1 } },
    { name: 'com.google.guava:guava:31.0-jre.pom', digest: { sha256: d2 } },
    { name: 'maven/empty_prefix', digest: { sha256: d1 } },
  ]);
  expect(problems).toEqual([
    'result miss_target_name_ARTIFACT_DIGEST: left out: no result miss_target_name_ARTIFACT_URI beside it',
    'result wrong_ARTIFACT_URI: digest "abc" must be sha256:, sha384:, sha512: or sha1: and that many lower-case hex digits',
  ]);
});

describe('ARTIFACT_INPUTS and ARTIFACT_OUTPUTS', () => {
  const sha1 = '93c56eeba31faf8c2ab4e8a9cd5a5a1a2d1c0f5b';
  const sha384 = 'a'.repeat(96);
  const sha512 = 'b'.repeat(128);

  test('objects with uri and digest', () => {
    const given = {
      mvn1_pkg_ARTIFACT_OUTPUTS: { uri: 'maven/guava', digest: sha(d1), signable_type: '' },
      img1_ARTIFACT_INPUTS: { uri: 'gcr.io/foo/bar', digest: sha(d3) },
      img2_ARTIFACT_INPUTS: { uri: 'gcr.io/foo/bar', digest: `sha1:${sha1}` },
      img3_ARTIFACT_INPUTS: { uri: 'gcr.io/foo/bar', digest: `sha384:${sha384}` },
      img4_ARTIFACT_INPUTS: { uri: 'gcr.io/foo/bar', digest: `sha512:${sha512}` },
    };
    expect(taken(inputArtifacts, given)).toEqual({
      found: [{ sha256: d3 }, { sha1 }, { sha384 }, { sha512 }].map((digest) => ({ name: 'gcr.io/foo/bar', digest })),
      problems: [],
    });
    expect(taken(outputArtifacts, given)).toEqual({
      found: [{ name: 'maven/guava', digest: { sha256: d1 } }],
      problems: [],
    });
  });

  test.each([
    ['no object', 'text', 'must be an object with uri and digest'],
    ['a list', ['a'], 'must be an object with uri and digest'],
    ['no uri', { digest: sha(d3) }, 'has no uri'],
    ['no digest', { uri: 'gcr.io/foo/bar' }, 'has no digest'],
    ['empty digest', { uri: 'gcr.io/foo/bar', digest: '' }, 'has no digest'],
    [
      'digest of another length',
      { uri: 'gcr.io/foo/bar', digest: 'sha1:abc' },
      'digest "sha1:abc" must be sha256:, sha384:, sha512: or sha1:',
    ],
    ['inherited names are no fields', { uri: 'x', digest: 'toString' }, 'digest "toString"'],
  ])('left out: %s', (_, value, problem) => {
    const { found, problems } = taken(outputArtifacts, {
      'a-ARTIFACT_OUTPUTS': value,
      'b-ARTIFACT_OUTPUTS': { uri: 'good', digest: sha(d1) },
    });
    expect(found).toEqual([{ name: 'good', digest: { sha256: d1 } }]);
    expect(problems).toEqual([expect.stringContaining(`result a-ARTIFACT_OUTPUTS: left out: ${problem}`)]);
  });

  test('build artifacts say so with the text "true"', () => {
    const given = {
      'result-1-ARTIFACT_OUTPUTS': { uri: 'gcr.io/foo/bar', digest: sha(d1), isBuildArtifact: 'true' },
      'result-2-ARTIFACT_OUTPUTS': { uri: 'gcr.io/bar/foo', digest: sha(d2), isBuildArtifact: 'false' },
      'result-3-ARTIFACT_OUTPUTS': { uri: 'gcr.io/repo/test', digest: sha(d3) },
      'result-ARTIFACT_OBJ': { uri: 'gcr.io/foo/bar', digest: sha(d1), isBuildArtifact: 'true' },
    };
    expect(taken(buildArtifacts, given).found).toEqual([{ name: 'gcr.io/foo/bar', digest: { sha256: d1 } }]);
  });
});

test('images to sign come from image hints and from build artifacts that are images, each once', () => {
  const { found } = taken(imagesToSign, {
    IMAGE_URL: 'gcr.io/foo/bar:v2',
    IMAGE_DIGEST: sha(d1),
    IMAGES: `gcr.io/foo/bar@${sha(d1)},gcr.io/foo/baz@${sha(d2)}`,
    'a-ARTIFACT_OUTPUTS': { uri: 'gcr.io/foo/bar', digest: sha(d1), isBuildArtifact: 'true' },
    'b-ARTIFACT_OUTPUTS': { uri: 'gcr.io/foo/qux', digest: sha(d3), isBuildArtifact: 'true' },
    'c-ARTIFACT_OUTPUTS': { uri: 'pkg:npm/left-pad', digest: sha(d3), isBuildArtifact: 'true' },
    'd-ARTIFACT_OUTPUTS': { uri: 'gcr.io/foo/unmarked', digest: sha(d3) },
  });
  expect(found.map(({ repository, digest }) => `${repository}@${digest}`)).toEqual([
    `gcr.io/foo/bar@${sha(d1)}`,
    `gcr.io/foo/baz@${sha(d2)}`,
    `gcr.io/foo/qux@${sha(d3)}`,
  ]);
});

// Upstream's results_test.go.
test.each<[string, ParamValue, boolean]>([
  ['result1', 'text', true],
  ['res2-ARTIFACT_URI', 'gcr.io/my/image', true],
  ['res2-ARTIFACT_DIGEST', sha(d1), true],
  ['IMAGES', 'x', false],
  ['a-IMAGE_URL', 'unpaired', false],
  ['a-IMAGE_DIGEST', 'unpaired', false],
  ['x-ARTIFACT_OUTPUTS', { uri: 'a', digest: sha(d1) }, true],
  ['x-ARTIFACT_OUTPUTS', { uri: 'a', digest: sha(d1), isBuildArtifact: 'false' }, true],
  ['x-ARTIFACT_OUTPUTS', { uri: 'a', digest: 'bad', isBuildArtifact: 'false' }, true],
  ['x-ARTIFACT_OUTPUTS', { uri: 'a', digest: sha(d1), isBuildArtifact: 'true' }, false],
  ['x-ARTIFACT_OUTPUTS', { uri: 'a', digest: 'bad', isBuildArtifact: 'true' }, false],
  ['x-ARTIFACT_OUTPUTS', 'no object', false],
  ['x-ARTIFACT_INPUTS', { uri: 'a', digest: sha(d1) }, true],
])('%s %j is a by-product: %s', (name, value, expected) => {
  expect(isByProduct({ name, value })).toBe(expected);
});
