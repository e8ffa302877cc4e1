import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './command.ts';

const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');
const copied = [...textOf('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap((match) =>
  (match[1] ?? '').split(' '),
);
const scripts = copied.filter((file) => file.endsWith('.ts'));

describe('what the Dockerfile copies', () => {
  it('has the scripts that make bundle and page', () => expect(scripts).toEqual(['hack/bundle.ts', 'hack/page.ts']));

  it.each(scripts)('%s imports nothing else of hack/ than what is copied', (script) => {
    // Types are taken away before it runs.
    const imports = [...textOf(script).matchAll(/^import (?!type ).* from '(\.[^']+)';$/gm)];
    const files = imports.map((match) => path.join(path.dirname(script), match[1] ?? ''));
    expect(files.filter((file) => !copied.includes(file))).toEqual([]);
  });
});
