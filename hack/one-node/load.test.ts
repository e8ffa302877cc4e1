import { describe, expect, it } from 'vitest';
import { parseImageName } from './load.ts';

describe('parseImageName', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36'],
    ['me/tool:v1', 'docker.io', 'me/tool', 'v1'],
    ['docker.io/busybox:1', 'docker.io', 'library/busybox', '1'],
    ['docker.io/library/busybox:1', 'docker.io', 'library/busybox', '1'],
    ['ghcr.io/a/b/c:x_1.2-3', 'ghcr.io', 'a/b/c', 'x_1.2-3'],
    ['mirror.gcr.io/ubuntu', 'mirror.gcr.io', 'ubuntu', 'latest'],
    ['localhost/x', 'localhost', 'x', 'latest'],
    ['198.18.0.2:5000/x/y', '198.18.0.2:5000', 'x/y', 'latest'],
    ['host:5000/x:2', 'host:5000', 'x', '2'],
  ])('%s is host %s, repository %s, tag %s', (text, host, repository, tag) => {
    expect(parseImageName(text)).toEqual({ host, repository, tag });
  });

  it.each(['', 'a b', 'busybox@sha256:abc', 'x:', 'x:-bad'])('refuses %j and names it', (text) => {
    expect(() => parseImageName(text)).toThrow(JSON.stringify(text));
  });
});
