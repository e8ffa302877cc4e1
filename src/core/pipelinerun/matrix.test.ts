import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../api/pipeline/v1/pipeline.ts';
import { fanOut, hasEmptyArray, isMatrixed, matrixProblem } from './matrix.ts';

const plain = (matrix: Matrix) =>
  fanOut(matrix).map((params) => params.map(({ name, value }) => `${name}=${String(value)}`).join(' '));
const platforms = { name: 'platform', value: ['linux', 'mac'] };
const browsers = { name: 'browser', value: ['chrome', 'safari'] };
const include = (...params: [string, string][]) => ({ params: params.map(([name, value]) => ({ name, value })) });

describe('fanOut', () => {
  it.each<[string, Matrix, string[]]>([
    ['one param', { params: [platforms] }, ['platform=linux', 'platform=mac']],
    [
      'two params, the first fastest',
      { params: [platforms, browsers] },
      [
        'browser=chrome platform=linux',
        'browser=chrome platform=mac',
        'browser=safari platform=linux',
        'browser=safari platform=mac',
      ],
    ],
    [
      'include adds to those that agree',
      { params: [platforms], include: [include(['platform', 'linux'], ['arch', 'arm'])] },
      ['arch=arm platform=linux', 'platform=mac'],
    ],
    [
      'include of new names adds to all',
      { params: [platforms], include: [include(['arch', 'arm'])] },
      ['arch=arm platform=linux', 'arch=arm platform=mac'],
    ],
    [
      'include that agrees with none is one more',
      { params: [platforms], include: [include(['platform', 'bsd'], ['arch', 'arm'])] },
      ['platform=linux', 'platform=mac', 'arch=arm platform=bsd'],
    ],
    [
      'an include that contradicts one before it is one more',
      { params: [platforms], include: [include(['arch', 'arm']), include(['arch', 'x86'])] },
      ['arch=arm platform=linux', 'arch=arm platform=mac', 'arch=x86'],
    ],
    [
      'an include some of whose values are there already adds nothing',
      { params: [platforms], include: [include(['platform', 'bsd']), include(['platform', 'bsd'], ['arch', 'arm'])] },
      ['platform=linux', 'platform=mac', 'platform=bsd'],
    ],
    [
      'numbers are text',
      {
        params: [{ name: 'n', value: ['1'] }],
        include: [
          {
            params: [
              { name: 'n', value: 1 as never },
              { name: 'm', value: true as never },
            ],
          },
        ],
      },
      ['m=true n=1'],
    ],
    ['includes alone', { include: [include(['i', '1']), include(['i', '2'], ['j', '3'])] }, ['i=1', 'i=2 j=3']],
    ['empty array', { params: [{ name: 'p', value: [] }] }, []],
  ])('%s', (_name, matrix, expected) => expect(plain(matrix)).toEqual(expected));
});

it('isMatrixed', () => {
  expect(isMatrixed({})).toBe(false);
  expect(isMatrixed({ matrix: { params: [] } })).toBe(false);
  expect(isMatrixed({ matrix: { include: [{ name: 'i' }] } })).toBe(true);
});

it('hasEmptyArray', () => {
  expect(hasEmptyArray({ matrix: { params: [platforms, { name: 'p', value: [] }] } })).toBe(true);
  expect(hasEmptyArray({ matrix: { params: [platforms] } })).toBe(false);
});

it('matrixProblem names the param and its task', () => {
  expect(matrixProblem({ name: 't', matrix: { params: [{ name: 'p', value: 'text' }] } })).toBe(
    'parameters of type array only are allowed, but param "p" has type "string" in pipelineTask "t"',
  );
  expect(
    matrixProblem({ name: 't', matrix: { params: [platforms], include: [{ params: [{ name: 'p', value: ['x'] }] }] } }),
  ).toBe('parameters of type string only are allowed, but param "p" has type "array" in pipelineTask "t"');
  expect(matrixProblem({ name: 't', matrix: { params: [platforms] } })).toBeUndefined();
});
