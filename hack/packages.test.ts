import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** What npm does to a folder, in place of npm: it lays out one package, and notes that it was asked. */
const standIn = `#!/bin/sh
if [ "$1" = --version ]; then echo "\${NPM_VERSION:-11}"; exit; fi
echo "$*" >> "$CALLS"
rm -rf node_modules
mkdir -p node_modules/one
cp package-lock.json node_modules/one/
echo '{}' > node_modules/.package-lock.json
`;

let folder = '';
let calls = '';
let kept = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tektite-packages-'));
  calls = path.join(folder, 'calls');
  kept = path.join(folder, 'cache', 'packages');
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin', 'npm'), standIn, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A clone of the project with such a lock file. */
function clone(name: string, lock: string): string {
  const made = path.join(folder, name);
  mkdirSync(made, { recursive: true });
  writeFileSync(path.join(made, 'package.json'), '{}');
  writeFileSync(path.join(made, 'package-lock.json'), lock);
  return made;
}

function install(project: string, env: NodeJS.ProcessEnv = {}): string {
  execFileSync('sh', [path.join(import.meta.dirname, 'packages.sh'), project], {
    env: {
      ...process.env,
      PATH: `${path.join(folder, 'bin')}:${process.env['PATH']}`,
      TEKTITE_CACHE_DIR: path.join(folder, 'cache'),
      CALLS: calls,
      ...env,
    },
  });
  return readFileSync(path.join(project, 'node_modules/one/package-lock.json'), 'utf8');
}

const timesAsked = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').length : 0);

it('npm lays out the packages of a lock file once, a second clone has a copy of its own', () => {
  const [first, second] = [clone('first', 'a'), clone('second', 'a')];
  expect([install(first), install(second), timesAsked()]).toEqual(['a', 'a', 1]);
  writeFileSync(path.join(second, 'node_modules/one/package-lock.json'), 'changed by hand');
  expect([install(clone('third', 'a')), timesAsked()]).toEqual(['a', 1]);
});

it.each<[string, string, NodeJS.ProcessEnv]>([
  ['another lock file', 'b', {}],
  ['another npm', 'a', { NPM_VERSION: '12' }],
])('%s has its own', (_name, lock, env) => {
  install(clone('first', 'a'));
  expect([install(clone('second', lock), env), timesAsked()]).toEqual([lock, 2]);
});

it('what was laid out before gives way', () => {
  const project = clone('first', 'a');
  install(project);
  writeFileSync(path.join(project, 'node_modules/stale'), '');
  writeFileSync(path.join(project, 'package-lock.json'), 'b');
  expect(install(project)).toBe('b');
  expect(existsSync(path.join(project, 'node_modules/stale'))).toBe(false);
});

it('where nothing can be kept npm installs as ever, and nothing half is left', () => {
  writeFileSync(path.join(folder, 'bin', 'cp'), '#!/bin/sh\n[ "$1" != -a ] || exit 1\nexec /bin/cp "$@"\n', {
    mode: 0o755,
  });
  expect([install(clone('first', 'a')), readdirSync(kept)]).toEqual(['a', []]);
});

it('what was not used for a week is removed', () => {
  install(clone('first', 'a'));
  const [old = ''] = readdirSync(kept);
  const long = new Date(Date.now() - 9 * 24 * 3_600_000);
  utimesSync(path.join(kept, old), long, long);
  install(clone('second', 'b'));
  expect(readdirSync(kept)).not.toContain(old);
});
