import { ensureFile } from '../image-build/files.ts';

/**
 * Debian's packages of Chromium: the whole browser, and its engine with DevTools alone, which takes a quarter of a
 * processor's time for a page, as no windows are drawn around it.
 */
export const chromiumPrograms = ['chromium', 'chromium-headless-shell'] as const;
export type ChromiumProgram = (typeof chromiumPrograms)[number];

/** The path of the program, whose package is installed first when it is not there. */
export async function installedBrowser(program: ChromiumProgram): Promise<string> {
  const file = `/usr/bin/${program}`;
  await ensureFile(file, program, (line) => console.error(line));
  return file;
}
