import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInheritance, formatOrigin, formatSource, parseInheritance, parseOrigin, parseSource } from './record.ts';

const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?$/);

describe('what a rerun records', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(word, word, fc.array(fc.tuple(word, word)), (name, uid, claims) => {
        const inheritance = { from: { name, uid }, claims: new Map(claims) };
        expect(parseInheritance(formatInheritance(inheritance))).toEqual(inheritance);
      }),
    );
    fc.assert(
      fc.property(word, word, word, word, (taskRun, uid, pipelineRun, hex) => {
        const origin = { taskRun, uid, pipelineRun, digest: `sha256:${hex}` };
        expect(parseOrigin(formatOrigin(origin))).toEqual(origin);
        const source = { taskRun, pipelineRunUid: uid };
        expect(parseSource(formatSource(source))).toEqual(source);
      }),
    );
  });

  it('is short, and one line for each claim', () => {
    expect(formatInheritance({ from: { name: 'first', uid: 'u' }, claims: new Map([['source', 'pvc-1']]) })).toBe(
      'run first u\nclaim source pvc-1',
    );
  });

  it.each(['', 'run', 'run a', 'run a b c', 'claim a b', 'run a b\nclaim c', 'run a b\nother c d', 'run a b\n'])(
    'is nothing when it reads %j',
    (text) => expect(parseInheritance(text)).toBeUndefined(),
  );

  it.each(['', 'a', 'a b c', ' a'])('is no source when it reads %j', (text) =>
    expect(parseSource(text)).toBeUndefined(),
  );

  it.each([undefined, '', 'a b c', 'a b c d e'])('is no origin when it reads %j', (text) =>
    expect(parseOrigin(text)).toBeUndefined(),
  );
});
