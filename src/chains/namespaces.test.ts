import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNamespacePolicies, policyFor, repositoryMatches } from './namespaces.ts';

describe('what namespaces may have signed, and with what', () => {
  const text = `
team-a:
  repositories: [ghcr.io/team-a/**, docker.io/acme/app]
  secret: team-a-signing
team-b: { kmsref: "gcpkms://projects/p" }
closed: { repositories: [] }
wrong: { repositories: [nohost/app] }
"*": { repositories: [registry.example.com:5000/public/*] }
`;
  const { policies, faults } = parseNamespacePolicies(text);

  it.each([
    [
      'team-a',
      {
        repositories: ['ghcr.io/team-a/**', 'docker.io/acme/app'],
        key: { kind: 'secret', name: 'team-a-signing' },
      },
    ],
    ['team-b', { repositories: undefined, key: { kind: 'kms', ref: 'gcpkms://projects/p' } }],
    ['closed', { repositories: [], key: undefined }],
    ['wrong', { broken: expect.stringContaining('"nohost/app" is not a repository') as string }],
    ['another', { repositories: ['registry.example.com:5000/public/*'], key: undefined }],
  ])('%s', (namespace, expected) => {
    expect(policyFor(policies, namespace)).toEqual(expected);
  });

  it('one bad entry is told and spoils itself alone', () => {
    expect(faults).toEqual([expect.stringContaining('wrong: ') as string]);
  });

  it('without the setting everything goes', () => {
    for (const nothing of [undefined, '', ' \n'])
      expect(policyFor(parseNamespacePolicies(nothing).policies, 'ns')).toEqual({});
  });

  it.each([
    ['no map', '[a, b]'],
    ['no YAML', '{a: ['],
    ['text', 'nonsense'],
    ['aliases that grow', 'a: &a [x,x,x]\nb: &b [*a,*a]\nc: [*b,*b]'],
    ['an entry that is none', 'ns: yes'],
    ['an unknown field', 'ns: {repository: [ghcr.io/a]}'],
    ['two keys', 'ns: {secret: a, kmsref: b}'],
    ['a Secret that cannot be', 'ns: {secret: ../a}'],
    ['a wildcard in the middle', 'ns: {repositories: [ghcr.io/*/a]}'],
    ['a tag', 'ns: {repositories: ["ghcr.io/a/b:1"]}'],
    ['a scheme', 'ns: {repositories: ["https://ghcr.io/a/b"]}'],
  ])('%s lets nothing be signed', (_name, wrong) => {
    const parsed = parseNamespacePolicies(wrong);
    expect(policyFor(parsed.policies, 'ns')).toHaveProperty('broken');
    expect(parsed.faults.length).toBeGreaterThan(0);
  });
});

describe('a pattern', () => {
  it.each([
    ['ghcr.io/a/b', 'ghcr.io/a/b', true],
    ['ghcr.io/a/b', 'ghcr.io/a/bc', false],
    ['ghcr.io/a/b', 'ghcr.io/a/b/c', false],
    ['ghcr.io/a/*', 'ghcr.io/a/b', true],
    ['ghcr.io/a/*', 'ghcr.io/a', false],
    ['ghcr.io/a/*', 'ghcr.io/a/b/c', false],
    ['ghcr.io/a/**', 'ghcr.io/a/b/c', true],
    ['ghcr.io/a/**', 'ghcr.io/ab/c', false],
    ['ghcr.io/**', 'ghcr.io/a', true],
    ['ghcr.io/**', 'ghcr.io.evil.example/a', false],
    ['docker.io/acme/app', 'index.docker.io/acme/app', true],
    ['docker.io/library/*', 'index.docker.io/library/busybox', true],
    ['**', 'anything.example/at/all', true],
  ])('%s and %s: %s', (pattern, repository, expected) => {
    expect(repositoryMatches(pattern, repository)).toBe(expected);
  });

  it('never matches what does not begin with it', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    fc.assert(
      fc.property(part, part, part, fc.constantFrom('', '/*', '/**'), (a, b, c, end) => {
        fc.pre(a !== b);
        expect(repositoryMatches(`r.io/${a}${end}`, `r.io/${b}/${c}`)).toBe(false);
      }),
    );
  });
});
