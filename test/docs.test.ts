import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseSpire } from '../src/api/config/config-spire.ts';
import { parseFeatureFlags } from '../src/api/config/feature-flags.ts';
import { lintRules } from '../src/commands/validate/lint/rules.ts';

/** What the pages for users name is there. */
const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const pages = [
  'README.md',
  '.github/CONTRIBUTING.md',
  '.github/SECURITY.md',
  ...readdirSync(path.join(root, 'config/docs')).map((name) => `config/docs/${name}`),
];

describe.each(pages)('%s', (page) => {
  const text = read(page);

  it('names only files that are there', () => {
    const named = [...text.matchAll(/(?<![\w/])(?:src|test|hack|config|crds)\/[\w./-]*\w\.(?:ts|go|md|yaml|json)\b/g)];
    const files = new Set(named.map(([file]) => file));
    expect([...files].filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(path.resolve(root, path.dirname(page), link)))).toEqual([]);
  });
});

describe('config/docs/signed-results.md', () => {
  const text = read('config/docs/signed-results.md');
  const cells = text.split('## What a run shows')[0]?.matchAll(/^ *\| `([a-z-]+)` +\| `([^`]+)`/gm) ?? [];

  it('has the keys and defaults of config-spire, and its steps set values that the chart has', () => {
    const documented = Object.fromEntries([...cells].map(([, key = '', value = '']) => [key, value]));
    const { spire, problems } = parseSpire(documented);
    expect(problems).toEqual([]);
    expect(spire).toEqual(parseSpire({}).spire);
    expect(Object.keys(documented)).toHaveLength(Object.keys(spire).length);
    const values = parse(read('config/chart/values.yaml')) as Record<string, object>;
    const set = [...text.matchAll(/--set (\w+)\.([\w-]+)=/g)].map(([, map = '', key = '']) => [map, key] as const);
    expect(set.length).toBeGreaterThan(3);
    for (const [map, key] of set) {
      expect(values).toHaveProperty(map);
      if (map === 'controller') expect(values[map]).toHaveProperty(key);
      if (map === 'configSpire') expect(documented).toHaveProperty(key);
      if (map === 'featureFlags') expect(parseFeatureFlags({ [key]: 'spire' }).problems).toEqual([]);
    }
  });
});

describe('config/docs/lint.md', () => {
  const rows = [...read('config/docs/lint.md').matchAll(/^\| `([a-z-]+)` +\| (.+?) +\| (.+?) +\|$/gm)];

  it('lists the rules that there are, with what they find', () => {
    expect(rows.map(([, rule, finds]) => [rule, finds])).toEqual(Object.entries(lintRules));
  });

  it('names only rules in its examples', () => {
    const text = read('config/docs/lint.md');
    const named = [...text.matchAll(/lint-disable:? ([a-z][a-z, -]*[a-z])(?: \.tekton)?$/gm)].flatMap(([, list = '']) =>
      list.split(/, ?/),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !Object.hasOwn(lintRules, name))).toEqual([]);
  });
});

describe('config/docs/attestations.md', () => {
  const text = read('config/docs/attestations.md');
  const table = text.split('## SLSA Build L3, line by line')[1]?.split('\n## ')[0] ?? '';
  const lines = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it.each(lines.map(([, name = '', , proof = '']) => ({ name, proof })))('$name: has a test', ({ proof }) => {
    expect(proof).toMatch(/^(?:(?:src|test)\/\S+(?:\.test\.ts|_test\.go)(?:, )?)+$/);
  });

  it('has all lines of level 3', () => {
    expect(lines.filter(([, name]) => name?.endsWith('(L3)'))).toHaveLength(9);
  });

  it('names the policies of the chart, and no other', () => {
    const chart = [...read('config/chart/templates/admission.yaml').matchAll(/^ {2}name: (\S+)\.tektite\.dev$/gm)];
    const named = [...text.matchAll(/policy `([a-z-]+)`/g)];
    const names = (matches: RegExpMatchArray[]) => [...new Set(matches.map((match) => match[1]))].sort();
    expect(names(named)).toEqual(names(chart));
  });

  it('is linked from the README', () => {
    expect(read('README.md')).toContain('](config/docs/attestations.md)');
  });
});
