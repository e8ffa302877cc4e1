import { typeOfParamSpec } from '../../api/pipeline/v1/param-type.ts';
import type { ParamSpec } from '../../api/pipeline/v1/params.ts';
import { CommandError } from '../command.ts';
import type { Context } from '../command.ts';
import { namedValue, typedText, valueOf } from './params.ts';
import type { ParamSource } from './params.ts';

/** Asks a person on the terminal, question by question. */
export class Questions {
  readonly #context: Context;
  #answers: AsyncIterator<string> | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** The answer, `initial` when it is empty. @throws CommandError when the input has ended. */
  async ask(question: string, initial = ''): Promise<string> {
    const { terminal, signal } = this.#context;
    this.#answers ??= terminal.lines(signal)[Symbol.asyncIterator]();
    terminal.out(`? ${question} `);
    const answer = await this.#answers.next();
    signal.throwIfAborted();
    if (answer.done) throw new CommandError(`no answer to: ${question}`);
    return answer.value.trim() === '' ? initial : answer.value.trim();
  }
}

/**
 * `--param` texts for what the flags left open. A person is asked; without one the defaults hold.
 * @throws CommandError naming the params that have no value and no default.
 */
export async function askParams(
  context: Context,
  questions: Questions,
  source: ParamSource,
  options: { given: readonly string[]; useDefaults: boolean },
): Promise<string[]> {
  const named = new Set(options.given.map((text) => namedValue(text).name));
  const open = source.specs.filter(({ name }) => !named.has(name));
  const asked = open.filter((spec) => spec.default === undefined || !options.useDefaults);
  if (context.terminal.interactive) {
    const answers: string[] = [];
    for (const spec of asked) answers.push(...(await askParam(context, questions, spec)));
    return answers;
  }
  const missing = asked.filter((spec) => spec.default === undefined).map(({ name }) => name);
  if (missing.length > 0)
    throw new CommandError(
      `${source.title} needs a value for param '${missing.join("', '")}': give ${missing.map((name) => `--param ${name}=VALUE`).join(' ')}`,
    );
  return [];
}

/** Asks until the answer is a value of the param's type. An empty answer leaves a default to the definition. */
async function askParam(context: Context, questions: Questions, spec: ParamSpec): Promise<string[]> {
  const initial = spec.default === undefined ? '' : ` (Default is \`${typedText(spec.default)}\`)`;
  const question = `Value for param \`${spec.name}\` of type \`${typeOfParamSpec(spec)}\`?${initial}`;
  for (;;) {
    const answer = await questions.ask(question);
    if (answer === '' && spec.default !== undefined) return [];
    try {
      valueOf(spec, answer);
      return [`${spec.name}=${answer}`];
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      context.terminal.err(`${error.message}\n`);
    }
  }
}

/** `--workspace` texts for the workspaces that no flag binds, asked of a person. */
export async function askWorkspaces(
  context: Context,
  questions: Questions,
  workspaces: readonly { name: string; optional?: boolean }[],
  skipOptional: boolean,
): Promise<string[]> {
  const answers: string[] = [];
  for (const { name, optional } of workspaces) {
    if (optional && (skipOptional || !(await isWanted(questions, name)))) continue;
    context.terminal.out(`Please give specifications for the workspace: ${name} \n`);
    const subPath = await questions.ask('Value of the Sub Path :');
    const source = await askSource(questions);
    answers.push([`name=${name}`, ...(subPath ? [`subPath=${subPath}`] : []), ...source].join(','));
  }
  return answers;
}

async function isWanted(questions: Questions, name: string): Promise<boolean> {
  const answer = await questions.ask(
    `Do you want to give specifications for the optional workspace \`${name}\`: (y/N)`,
    'n',
  );
  return answer.toLowerCase().startsWith('y');
}

async function askSource(questions: Questions): Promise<string[]> {
  for (;;) {
    const kind = await questions.ask(
      'Type of the Workspace : (config, emptyDir, secret, pvc; Default is `emptyDir`)',
      'emptyDir',
    );
    switch (kind) {
      case 'pvc':
        return [`claimName=${await questions.ask('Value of Claim Name :')}`];
      case 'emptyDir':
        return [`emptyDir=${await questions.ask('Type of EmptyDir : (nothing, Memory or HugePages)')}`];
      case 'config':
        return [`config=${await questions.ask('Name of the configmap :')}`, ...(await askItems(questions))];
      case 'secret':
        return [`secret=${await questions.ask('Name of the secret :')}`, ...(await askItems(questions))];
    }
  }
}

async function askItems(questions: Questions): Promise<string[]> {
  const items: string[] = [];
  for (;;) {
    const item = await questions.ask('Item Value: (key=path, nothing to end)');
    if (item === '') return items;
    items.push(`item=${item}`);
  }
}
