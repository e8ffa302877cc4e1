import { spawn } from 'node:child_process';
import type { Outcome } from './tkn-programs.ts';

/** An answer to each question that matches, in whatever order they come; of a list to choose from, what is typed. */
export type Answers = readonly (readonly [question: RegExp, answer: string])[];

/** Where the cursor is, which a program asks its terminal in the same stream. */
const cursorQuestion = '\u001b[6n';
const cursorAnswer = '\u001b[24;1R';
// Colours and movements of the cursor.
const control = /\u001b\[[0-9;?]*[A-Za-z]|\u001b[78]/g;

/** A program that asks for the cursor swallows what is typed before it knows. */
const quietMs = 500;

/**
 * Runs a program on a terminal of its own (made by util-linux's `script`) and answers what it asks: each question once,
 * when its line stands there and nothing more comes. `out` is all that the terminal showed, without colours.
 */
export function onTerminal(words: readonly string[], answers: Answers): Promise<Outcome & { asked: string[] }> {
  const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    stdio: 'pipe',
    env: { ...process.env, TERM: 'xterm', COLUMNS: '200', LINES: '50' },
    timeout: 60_000,
  });
  child.stdin.on('error', () => undefined); // a program that ended while it was answered; its output tells
  let out = '';
  let seen = 0;
  let quiet: NodeJS.Timeout | undefined;
  const pending = [...answers];
  const asked: string[] = [];
  const answer = (): void => {
    const open = out.slice(seen).replaceAll(control, '');
    const question = /\? ([^\r\n]*?) *(?:\[Use arrows[^\]]*\][^?]*)?$/.exec(open)?.[1];
    const place = question === undefined ? -1 : pending.findIndex(([pattern]) => pattern.test(question));
    const [found] = place === -1 ? [] : pending.splice(place, 1);
    if (question === undefined || found === undefined) return;
    asked.push(question);
    seen = out.length;
    child.stdin.write(`${found[1]}\r`);
  };
  child.stdout.on('data', (data: Buffer) => {
    const text = data.toString();
    out += text;
    for (let at = text.indexOf(cursorQuestion); at !== -1; at = text.indexOf(cursorQuestion, at + 1))
      child.stdin.write(cursorAnswer);
    clearTimeout(quiet);
    quiet = setTimeout(answer, quietMs);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(quiet);
      resolve({ status: status ?? 1, out: out.replaceAll(control, '').replaceAll('\r', ''), err: '', asked });
    });
  });
}
