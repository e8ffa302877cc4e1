import type { Terminal } from '../environment.ts';
import { printable } from '../text/printable.ts';
import type { Style } from '../text/colour.ts';

/** Where logs go. Each call writes whole lines, so tasks that run side by side never mix within one. */
export interface LogSink {
  line(task: string, step: string, text: string): void;
  /** Something to wait for before more is written: a slow reader must not fill our memory. */
  drained?(signal: AbortSignal): Promise<void> | undefined;
  /** A step's log is complete. */
  endOfStep(): void;
  failure: (message: string) => void;
  notice(message: string): void;
}

/** tkn's form: "[task : step] line", or "[step] line" for a single TaskRun; an empty line after each step. */
export function logWriter(terminal: Terminal, style: Style, options: { prefix: boolean; tasks: boolean }): LogSink {
  const prefixOf = (task: string, step: string): string => {
    if (!options.prefix) return '';
    return style.rainbow(step, printable(options.tasks ? `[${task} : ${step}] ` : `[${step}] `));
  };
  return {
    line: (task, step, text) => terminal.out(`${prefixOf(task, step)}${text}\n`),
    drained: (signal) => terminal.drained?.(signal),
    endOfStep: () => terminal.out('\n'),
    failure: (message) => terminal.err(`${style.error(printable(message))}\n`),
    notice: (message) => terminal.out(`${printable(message)}\n`),
  };
}
