/** Something not as the controller made it. `field` is a path in the run, or begins with the name of a pod or child. */
export interface Violation {
  field: string;
  message: string;
}

/** More are not kept: one is enough to keep a run from being attested. */
const most = 20;
const longestLine = 300;

/** The violations in a record, in the order in which they were seen. */
export function readViolations(text: string | undefined): Violation[] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const end = line.indexOf(': ');
      return end < 0
        ? { field: line, message: 'was changed' }
        : { field: line.slice(0, end), message: line.slice(end + 2) };
    });
}

/** The record with further violations, and those of them that were not in it. */
export function addViolations(
  text: string | undefined,
  seen: readonly Violation[],
): { text: string | undefined; added: Violation[] } {
  const lines = text ? text.split('\n') : [];
  const added: Violation[] = [];
  for (const violation of seen) {
    const line = `${oneLine(violation.field)}: ${oneLine(violation.message)}`.slice(0, longestLine);
    if (lines.includes(line) || lines.length >= most) continue;
    lines.push(line);
    added.push(violation);
  }
  return { text: lines.length > 0 ? lines.join('\n') : undefined, added };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
