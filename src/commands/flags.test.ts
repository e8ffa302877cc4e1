import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFlags, span, text, texts, toggle, whole } from './flags.ts';

const table = {
  namespace: text('', { short: 'n' }),
  follow: toggle('', { short: 'f' }),
  last: toggle('', { short: 'L' }),
  'ignore-running': toggle('', { short: 'i', initial: true }),
  limit: whole('', { initial: 5 }),
  task: texts('', { short: 't' }),
  wait: span('', { initial: 10_000 }),
};
const initial = { namespace: '', follow: false, last: false, 'ignore-running': true, limit: 5, task: [], wait: 10_000 };

describe('parseFlags', () => {
  it.each<[string, string[], object, string[]]>([
    ['nothing', [], {}, []],
    [
      'flags and arguments in any order',
      ['a', '-f', 'b', '--limit', '3', 'c'],
      { follow: true, limit: 3 },
      ['a', 'b', 'c'],
    ],
    ['a value after =', ['--namespace=x=y'], { namespace: 'x=y' }, []],
    ['a short flag with its value', ['-nfoo'], { namespace: 'foo' }, []],
    ['a short flag with = and its value', ['-n=foo'], { namespace: 'foo' }, []],
    ['a value that looks like a flag', ['-n', '-f'], { namespace: '-f' }, []],
    ['short flags in a group, the last with a value', ['-fLn', 'x'], { follow: true, last: true, namespace: 'x' }, []],
    ['a switch turned off', ['--ignore-running=false'], { 'ignore-running': false }, []],
    ['a short switch turned off', ['-i=false'], { 'ignore-running': false }, []],
    ['a list, repeated and with commas', ['-t', 'a,b', '--task=c'], { task: ['a', 'b', 'c'] }, []],
    ['the end of flags', ['-f', '--', '-L', '--nope'], { follow: true }, ['-L', '--nope']],
    ['a lone dash is an argument', ['-'], {}, ['-']],
    ['a duration', ['--wait', '1m30s'], { wait: 90_000 }, []],
    ['a negative number', ['--limit', '-1'], { limit: -1 }, []],
  ])('reads %s', (_name, argv, values, rest) => {
    expect(parseFlags(table, argv)).toEqual({ values: { ...initial, ...values }, rest });
  });

  it.each<[string, string[], string]>([
    ['an unknown flag', ['--nope'], 'unknown flag: --nope'],
    ['an inherited property', ['--constructor'], 'unknown flag: --constructor'],
    ['an unknown letter', ['-fx'], "unknown shorthand flag: 'x' in -fx"],
    ['a missing value', ['--limit'], 'flag needs an argument: --limit'],
    ['a missing value of a letter', ['-fn'], "flag needs an argument: 'n' in -fn"],
    ['no number', ['--limit', 'many'], 'invalid argument "many" for "--limit" flag: must be a whole number'],
    ['no boolean', ['--follow=maybe'], 'invalid argument "maybe" for "--follow" flag: must be true or false'],
    ['no duration', ['--wait=5'], 'invalid argument "5" for "--wait" flag: time: missing unit in duration "5"'],
  ])('refuses %s', (_name, argv, message) => {
    expect(() => parseFlags(table, argv)).toThrow(message);
  });

  it('stops at the first argument when asked to, and keeps what was given before', () => {
    const first = parseFlags(table, ['-n', 'x', 'list', '-f'], { untilArgument: true });
    expect(first.rest).toEqual(['list', '-f']);
    expect(parseFlags(table, first.rest, { given: first.values })).toEqual({
      values: { ...initial, namespace: 'x', follow: true },
      rest: ['list'],
    });
  });

  it('gives back any value it is given, in each way of writing it', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        for (const argv of [['--namespace', value], [`--namespace=${value}`], ['-n', value], [`-n=${value}`]]) {
          expect(parseFlags(table, argv)).toEqual({ values: { ...initial, namespace: value }, rest: [] });
        }
      }),
    );
  });

  it('does not change the table: lists start empty every time', () => {
    parseFlags(table, ['-t', 'a']);
    expect(parseFlags(table, []).values.task).toEqual([]);
  });
});
