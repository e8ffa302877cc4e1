/**
 * Errors of a spec in the form and with the texts of knative's apis.FieldError, which Tekton's users and tools know
 * from admission refusals and run conditions. An error that concerns several fields is one entry per field with the
 * same message.
 */
export interface FieldError {
  /** Such as `spec.tasks[0].name` or `params[greeting].value`; "" is the object itself. */
  path: string;
  message: string;
  /** A longer explanation on a line of its own. */
  details?: string;
}

function at(message: string, paths: readonly string[], details?: string): FieldError[] {
  return paths.map((path) => ({ path, message, ...(details === undefined ? {} : { details }) }));
}

export function fieldError(message: string, path = '', details?: string): FieldError[] {
  return at(message, [path], details);
}

export function missingField(...paths: string[]): FieldError[] {
  return at('missing field(s)', paths);
}

export function disallowedField(...paths: string[]): FieldError[] {
  return at('must not set the field(s)', paths);
}

export function invalidValue(value: string | number, path = '', details?: string): FieldError[] {
  return at(`invalid value: ${value}`, [path], details);
}

export function missingOneOf(...paths: string[]): FieldError[] {
  return at('expected exactly one, got neither', paths);
}

export function multipleOneOf(...paths: string[]): FieldError[] {
  return at('expected exactly one, got both', paths);
}

export function outOfBounds(
  value: number | string,
  lower: number | string,
  upper: number | string,
  path: string,
): FieldError[] {
  return at(`expected ${lower} <= ${value} <= ${upper}`, [path]);
}

export function invalidKeyName(key: string, path: string, details: string): FieldError[] {
  return at(`invalid key name ${JSON.stringify(key)}`, [path], details);
}

/** The errors seen from one level up: `via('steps[0]', …)` makes `name` into `steps[0].name`. */
export function via(parent: string, errors: readonly FieldError[]): FieldError[] {
  return errors.map((error) => ({ ...error, path: joinPath(parent, error.path) }));
}

function joinPath(parent: string, child: string): string {
  if (parent === '') return child;
  if (child === '' || child.startsWith('[')) return parent + child;
  return `${parent}.${child}`;
}

/**
 * All errors of the items of a list, with their index: `each('tasks', tasks, check)` gives paths such as
 * `tasks[1].name`.
 */
export function each<T>(
  field: string,
  items: readonly T[] | undefined,
  check: (item: T, index: number) => FieldError[],
): FieldError[] {
  return (items ?? []).flatMap((item, index) => via(`${field}[${index}]`, check(item, index)));
}

/**
 * One text for all errors, as knative prints them: errors with the same message share a line with their paths in order,
 * lines are sorted by message, details follow on the next line. Empty for no errors.
 */
export function formatFieldErrors(errors: readonly FieldError[]): string {
  const byMessage = new Map<string, { message: string; details: string; paths: Set<string> }>();
  for (const { path, message, details = '' } of errors) {
    const key = `${message}\u0000${details}`;
    const entry = byMessage.get(key) ?? { message, details, paths: new Set<string>() };
    entry.paths.add(path);
    byMessage.set(key, entry);
  }
  return [...byMessage.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([, { message, details, paths }]) =>
        `${message}: ${[...paths].sort().join(', ')}${details === '' ? '' : `\n${details}`}`,
    )
    .join('\n');
}
