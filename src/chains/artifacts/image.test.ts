import { describe, expect, test } from 'vitest';
import { imageOfSubject, InvalidImageDigestError, parseImageDigest } from './image.ts';

const hex = 'a'.repeat(64);

// Each row was compared with go-containerregistry's name.NewDigest.
describe('names of images', () => {
  test.each([
    ['busybox', 'index.docker.io/library/busybox'],
    ['busybox:1', 'index.docker.io/library/busybox'],
    ['foo:', 'index.docker.io/library/foo'],
    ['a/b', 'index.docker.io/a/b'],
    ['docker.io/busybox', 'index.docker.io/library/busybox'],
    ['docker.io/a/b', 'index.docker.io/a/b'],
    ['index.docker.io/library/x:1', 'index.docker.io/library/x'],
    ['ghcr.io/a/b', 'ghcr.io/a/b'],
    ['localhost/a/b', 'index.docker.io/localhost/a/b'],
    ['localhost:5000/ab:t', 'localhost:5000/ab'],
    ['localhost:5000', 'index.docker.io/library/localhost'],
    ['GHCR.io/a/b', 'GHCR.io/a/b'],
    ['my_reg.io/ab', 'my_reg.io/ab'],
    ['[::1]:5000/ab', '[::1]:5000/ab'],
    [`ghcr.io/a/b:${'t'.repeat(128)}`, 'ghcr.io/a/b'],
    [`a.b/${'y'.repeat(255)}`, `a.b/${'y'.repeat(255)}`],
  ])('%s', (name, repository) => {
    expect(parseImageDigest(`${name}@sha256:${hex}`)).toEqual({ repository, digest: `sha256:${hex}` });
  });

  test.each([
    ['', 'repository ""'],
    ['a', 'repository "a"'],
    ['ghcr.io/a', 'repository "a"'],
    ['ghcr.io/A/b', 'repository "A/b"'],
    ['foo bar', 'repository "foo bar"'],
    ['foo:!', 'repository "foo:!"'],
    ['reg.io:abc/ab', 'registry "reg.io:abc"'],
    [':', 'repository ""'],
    [`ghcr.io/a/b:${'t'.repeat(129)}`, 'repository'],
    ['x'.repeat(255), 'repository'],
    ['com.google.guava:guava:31.0-jre', 'repository'],
    ['pkg:maven/a/b', 'registry "pkg:maven"'],
    // NewDigest takes these, though no registry can have them.
    ['https://ghcr.io/a/b', 'without a scheme'],
    ['gs://bucket/x', 'without a scheme'],
    ['ghcr.io/a//b', 'something between slashes'],
    ['ghcr.io/a/', 'something between slashes'],
    ['reg.io:/ab', 'registry "reg.io:"'],
  ])('refused: %s', (name, part) => {
    expect(() => parseImageDigest(`${name}@sha256:${hex}`)).toThrow(InvalidImageDigestError);
    expect(() => parseImageDigest(`${name}@sha256:${hex}`)).toThrow(part);
  });

  test.each([
    'busybox',
    `busybox@sha256:${'A'.repeat(64)}`,
    'busybox@sha256:abc',
    `busybox@sha512:${'a'.repeat(128)}`,
    `a@b@sha256:${hex}`,
    `busybox@sha256:${hex}@sha256:${'b'.repeat(64)}`,
    `busybox@ sha256:${hex}`,
    `busybox@sha256: ${hex}`,
  ])('refused: %s', (text) => {
    expect(() => parseImageDigest(text)).toThrow(`image ${JSON.stringify(text)}`);
  });
});

describe('images among subjects', () => {
  test.each([
    ['gcr.io/foo/bar', 'gcr.io/foo/bar'],
    ['acme/app', 'index.docker.io/acme/app'],
    ['com.google.guava:guava:31.0-jre.pom', undefined],
    ['projects/p/locations/l/repositories/r/mavenArtifacts/x', undefined],
    ['projects/p/locations/l', undefined],
    ['acme/app/more', undefined],
    ['pkg:npm/left-pad', undefined],
    ['https://example.com/a.tgz', undefined],
  ])('%s', (name, repository) => {
    expect(imageOfSubject(name, { sha256: hex })?.repository).toBe(repository);
  });

  test('without sha256 there is none', () => {
    expect(imageOfSubject('gcr.io/foo/bar', { sha512: 'b'.repeat(128) })).toBeUndefined();
  });
});
