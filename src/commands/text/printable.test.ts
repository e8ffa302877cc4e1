import { describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../api/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { pipelineRun, succeeded } from '../runs.fake.ts';
import { printable } from './printable.ts';

describe('printable', () => {
  it.each([
    ['plain text, tabs and lines', 'a\tb\nc é 🦶', 'a\tb\nc é 🦶'],
    ['colours', '\u001b[91mFailed\u001b[39m', '\u001b[91mFailed\u001b[39m'],
    ['a cleared screen', '\u001b[2Jgone', '\\u001b[2Jgone'],
    ['the clipboard', '\u001b]52;c;eA==\u0007', '\\u001b]52;c;eA==\\u0007'],
    ['a line written over', 'bad\rgood', 'bad\\u000dgood'],
    ['C1 controls', '\u009b2J', '\\u009b2J'],
    ['a line read backwards', '\u202etxt', '\\u202etxt'],
  ])('%s', (_name, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it.each([['pr describe run'], ['pr list'], ['pr describe nope\u001b[2J']])(
    'holds for what %s prints',
    async (line) => {
      const made = new FakeEnvironment();
      const spec = { params: [{ name: 'p', value: '\u001b[2J' }] };
      const conditions = succeeded('False', 'Bad\u001b[2J', 'why\u001b]0;title\u0007');
      made.cluster.put(pipelineRuns, pipelineRun('run', { spec, status: { conditions } }));
      await made.run(line);
      expect(made.out + made.err).toContain('\\u001b');
      expect(made.out + made.err).not.toMatch(/[\u0007\u001b]/);
    },
  );
});
