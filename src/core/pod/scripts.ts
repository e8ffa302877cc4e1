import { shortHash } from '../naming.ts';
import { paths } from './names.ts';

/** One file for the init container to lay down. */
export interface ScriptFile {
  name: string;
  content: string;
}

/** An argument may hold 131,071 bytes on Linux; base64 of 90,000 bytes is 120,000 (src/entrypoint/CONTRACT.md). */
const longestChunkBytes = 90_000;

/**
 * `script-<index>-<5 hex>`: upstream's form, with a digest in the place of random characters so that planning is
 * repeatable.
 */
export function scriptFile(
  kind: 'script' | 'sidecar-script',
  index: number,
  script: string,
  owner: string,
): ScriptFile {
  return { name: `${kind}-${index}-${shortHash(`${owner}/${kind}/${index}`, 5)}`, content: withInterpreter(script) };
}

/** Where a script is in the containers that run it. */
export function scriptPath(file: ScriptFile): string {
  return `${paths.scripts}/${file.name}`;
}

/** A script without shebang runs in the image's own shell and stops at the first failing command. */
function withInterpreter(script: string): string {
  return script.trimStart().startsWith('#!') ? script.trimStart() : `#!/bin/sh\nset -e\n${script}`;
}

/** Whether a script asks for Windows' interpreter, which this controller does not run. */
export function isWindowsScript(script: string | undefined): boolean {
  return script !== undefined && script.trimStart().startsWith('#!win');
}

/** Arguments that make `entrypoint init` write the file, in chunks that fit the kernel's limit for one argument. */
export function scriptArguments(file: ScriptFile): string[] {
  const bytes = Buffer.from(file.content, 'utf8');
  const args: string[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += longestChunkBytes) {
    const chunk = bytes.subarray(start, start + longestChunkBytes).toString('base64');
    args.push('-script', `${file.name}${start === 0 ? '=' : '+='}${chunk}`);
  }
  return args;
}
