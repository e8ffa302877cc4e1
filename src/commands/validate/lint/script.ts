import type { Step } from '../../../api/pipeline/v1/task.ts';
import { variables } from '../../../api/variables/reference.ts';
import { advice, type Advice } from './wording.ts';

type Scripted = Pick<Step, 'script' | 'env' | 'envFrom'>;

/** What a container's script does that its author may not want. */
export function scriptAdvice(container: Scripted, at: string): Advice[] {
  const script = container.script?.trimStart() ?? '';
  if (script === '') return [];
  const path = `${at}.script`;
  const [first = '', ...rest] = script.split('\n');
  const lines = (first.startsWith('#!') ? rest : [first, ...rest]).map((line) => line.trim());
  const program = first.startsWith('#!') ? first.slice(2).trim() : '/bin/sh -e';
  return [
    ...(first.startsWith('#!')
      ? []
      : [advice('no-hashbang', path, 'begin with #!/bin/sh, or what else is to run it; without, it is /bin/sh -e')]),
    ...(isShell(program) ? shellAdvice(container, program, lines, path) : []),
    ...injectionAdvice(script, path),
  ];
}

const SHELL = /(?:^|[/ ])(?:ba|da|a|k|z)?sh(?:\s|$)/;

function isShell(program: string): boolean {
  return SHELL.test(program);
}

function shellAdvice(container: Scripted, program: string, lines: readonly string[], path: string): Advice[] {
  const commands = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const has = (letter: string, name: string) => [program, ...commands].some((line) => setsOption(line, letter, name));
  const piped = joined(commands).find(pipesDownload);
  return [
    ...(commands.length > 1 && !has('e', 'errexit')
      ? [advice('errors-ignored', path, 'it goes on after a command that fails; begin with set -e')]
      : []),
    ...(piped === undefined
      ? []
      : [advice('piped-download', path, 'it runs what it downloads; keep the file, and compare its digest first')]),
    ...(has('x', 'xtrace') && secretsOf(container)
      ? [advice('traced-secret', path, 'set -x prints commands with the secrets in them to the log; leave it out')]
      : []),
  ];
}

/** `set -eu`, `set -o errexit`, `/bin/bash -eu`: a letter in one of the words that begin with a dash, or the name. */
function setsOption(line: string, letter: string, name: string): boolean {
  const words = line.split(/[\s;&]+/);
  const at = line.includes('sh') && line.startsWith('/') ? 0 : words.indexOf('set');
  if (at < 0) return false;
  return words.slice(at + 1).some((word) => word === name || (/^-[A-Za-z]+$/.test(word) && word.includes(letter)));
}

/** Lines that end in a backslash go on in the next. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = [];
  let open = '';
  for (const line of lines) {
    if (line.endsWith('\\')) open += line.slice(0, -1);
    else {
      whole.push(open + line);
      open = '';
    }
  }
  return open === '' ? whole : [...whole, open];
}

function pipesDownload(line: string): boolean {
  const parts = line.split('|').map((part) => part.trim());
  return parts.some((part, index) => {
    const next = parts[index + 1]?.replace(/^sudo\s+/, '') ?? '';
    return /(?:^|[\s;&(])(?:curl|wget)\s/.test(part) && /^(?:\/\S*\/)?(?:ba|da|a|k|z)?sh(?:\s|$)/.test(next);
  });
}

function secretsOf({ env = [], envFrom = [] }: Scripted): boolean {
  return env.some(({ valueFrom }) => valueFrom?.secretKeyRef) || envFrom.some(({ secretRef }) => secretRef);
}

/** A param's value becomes part of the program: `"; rm -rf /` does what it says. */
function injectionAdvice(script: string, path: string): Advice[] {
  const put = variables(script, 'params')[0]?.text;
  if (put === undefined) return [];
  const message = `${put} is put into the script as text, so that its value can be commands; put it into env, and read the variable`;
  return [advice('script-injection', path, message)];
}
