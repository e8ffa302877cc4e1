import { describe, expect, it } from 'vitest';
import { customRuns, pipelineRuns, pipelines, taskRuns } from '../../api/resources.ts';
import { eventListeners } from '../../api/triggers/objects.ts';
import { namespaces, serviceAccounts } from '../../kube/resources.ts';
import { FakeEnvironment } from '../environment.fake.ts';
import { pipelineRun, taskRun } from '../runs.fake.ts';
import { tree } from '../tree.ts';
import { complete } from './completion.ts';
import { completionScript, shells } from './scripts.ts';

/** The words behind the program's name; "" is a word that has not begun. */
const line = (text: string): string[] => text.split(' ');
const words = (text: string): string[] => {
  const completion = complete(tree, line(text));
  return completion.kind === 'words' ? completion.candidates.map(({ word }) => word) : [completion.kind];
};

describe('words that we know', () => {
  it.each<[string, string, string[]]>([
    ['a group', 'pipeliner', ['pipelinerun']],
    ['groups and single commands', 'ta', ['taskrun', 'task']],
    ['an alias, when nothing else fits', 'tb', ['tb']],
    ['no hidden command', '__', []],
    ['what help is wanted for', 'help pipelinerun des', ['describe']],
    ['a command of a group', 'pr des', ['describe']],
    ['behind a flag with its value', '-n x pr des', ['describe']],
    ['behind a flag that is one word with its value', '--namespace=x pr des', ['describe']],
    ['behind a switch', '-C pr des', ['describe']],
    ['flags', 'pr list --re', ['--reverse']],
    ['a flag of all commands', 'pr list --name', ['--namespace']],
    ['no flag twice', 'pr list --reverse --re', []],
    ['but one that may be given again', 'task start --param a=b --par', ['--param']],
    ['no hidden flag', 'pr list --noc', []],
    ['values of a flag', 'pr list -o js', ['json', 'jsonpath', 'jsonpath-as-json', 'jsonpath-file']],
    ['values in the same word', 'pr list --output=ya', ['--output=yaml']],
    ['values that bash parted from the flag', 'pr list --output = ya', ['yaml']],
    [
      'values behind the "=" alone, as bash has it',
      'pr cancel x --grace =',
      ['CancelledRunFinally', 'StoppedRunFinally'],
    ],
    ['shells', 'completion z', ['zsh']],
    ['nothing under a name that is not known', 'nonsense de', []],
    ['nothing under a command that is not known', 'pr nonsense --re', []],
    ['no flag behind --', 'pr list -- --re', ['objects']],
    ['nothing for a number', 'pr list --limit ', []],
  ])('%s: %s', (_name, text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('is told what each is for', () => {
    expect(complete(tree, ['pr', 'wai'])).toMatchObject({
      candidates: [{ word: 'wait', about: expect.stringContaining('exit status 0') as string }],
    });
  });
});

describe('objects that the cluster knows', () => {
  it.each([
    ['runs', 'pr describe ru', pipelineRuns],
    ['the second of several', 'tr delete a b', taskRuns],
    ['the parent of what is listed', 'pr list bu', pipelines],
    ['a definition', 'p start ', pipelines],
    ['custom tasks', 'cr describe ', customRuns],
    ["what a flag's value names", 'p start x -s de', serviceAccounts],
    ['namespaces', 'pr list -n ku', namespaces],
    ['namespaces, before any command', '--namespace ku', namespaces],
    ['kinds of Triggers', 'el describe ', eventListeners],
  ])('%s: %s', (_name, text, resource) => {
    expect(complete(tree, line(text))).toMatchObject({ kind: 'objects', resource });
  });

  it('keeps what the line says of where, and of what is there already', () => {
    expect(complete(tree, line('-c there pr delete -nspace --kubeconfig k a b'))).toMatchObject({
      begin: 'b',
      taken: ['a'],
      where: { context: 'there', namespace: 'space', kubeconfig: 'k' },
    });
  });

  it('offers no name behind the last', () => {
    expect(words('pr describe one ')).toEqual([]);
  });
});

it.each(['task start -f ', 'validate ', '--kubeconfig '])('files: %s', (text) => {
  expect(words(text)).toEqual(['files']);
});

describe('__complete', () => {
  const environment = () => {
    const made = new FakeEnvironment();
    for (const name of ['build-1', 'build-2', 'deploy-1']) made.cluster.put(pipelineRuns, pipelineRun(name));
    made.cluster.put(pipelineRuns, pipelineRun('build-9', { metadata: { name: 'build-9', namespace: 'other' } }));
    made.cluster.put(taskRuns, taskRun('$(reboot)'));
    made.cluster.put(taskRuns, taskRun('a\u001b[2J'));
    made.cluster.put(taskRuns, taskRun('fine'));
    return made;
  };

  it.each([
    ['names that begin so', 'pr describe build', 'build-1\nbuild-2\n'],
    ['names of the namespace that the line names', 'pr describe -n other build', 'build-9\n'],
    ['names that are not on the line', 'pr delete build-1 build', 'build-2\n'],
    ['in one word with their flag', 'pipeline start x --use-pipelinerun=dep', '--use-pipelinerun=deploy-1\n'],
    ['no name that a shell might take for more', 'tr describe ', 'fine\n'],
    ['files', 'validate ', ':files\n'],
    ['words and what they are for', 'pr cancel x --gr', /^--grace\tGracefully/],
  ])('%s: %s', async (_name, text, expected) => {
    const made = environment();
    expect(await made.run(`__complete -- ${text}`)).toBe(0);
    expect([made.out, made.err]).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
      '',
    ]);
  });

  it('asks the cluster for no word that we know', async () => {
    const made = environment();
    made.connectFailure = new Error('no cluster');
    expect(await made.run('__complete -- pr ')).toBe(0);
    expect(await made.run('__complete -- pr describe ')).toBe(1);
    expect(made.err).toContain('no cluster');
  });
});

describe('completion', () => {
  it.each(shells)('%s', async (shell) => {
    const made = new FakeEnvironment();
    expect(await made.run(`completion ${shell}`)).toBe(0);
    expect(made.out).toBe(completionScript(shell, 'tektite'));
    await expect(made.out).toMatchFileSnapshot(`../golden/completion.${shell}`);
  });

  it.each([
    ['completion powershell', 'there is no completion for "powershell": bash, zsh, fish'],
    ['completion', 'accepts 1 arg(s), received 0'],
  ])('%s', async (text, message) => {
    const made = new FakeEnvironment();
    expect(await made.run(text)).toBe(1);
    expect(made.err).toContain(message);
  });

  it('is not in the list of commands by the name that only shells use', async () => {
    const made = new FakeEnvironment();
    await made.run('help');
    expect(made.out).toContain('  completion ');
    expect(made.out).not.toContain('__complete');
  });
});
