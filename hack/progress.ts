/** Progress of a command that answers on standard output: it goes to standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One step of a command whose progress is what people read. */
export function progress(text: string): void {
  console.log(`==> ${text}`);
}
