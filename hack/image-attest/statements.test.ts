import { describe, expect, it } from 'vitest';
import { emptyRootLayer } from '../image-build/application.ts';
import type { BuildContext, LayerRecipe } from '../image-build/layers.ts';
import { componentsOf, goComponents, type Component } from './components.ts';
import { billOfMaterials, provenance } from './statements.ts';

const context: BuildContext = {
  dir: '/nowhere',
  mirror: 'http://nowhere',
  root: '/nowhere',
  architecture: 'amd64',
  progress: () => undefined,
};

describe('the modules of a Go binary', () => {
  it.each<[string, string, string[]]>([
    [
      'with the standard library alone',
      '/tmp/x: go1.26.1\n\tpath\texample/nop\n\tmod\texample\t(devel)\t\n\tbuild\t-trimpath=true\n',
      ['pkg:golang/stdlib@1.26.1'],
    ],
    [
      'with dependencies',
      '/tmp/x: go1.26.1\n\tdep\tcel.dev/expr\tv0.24.0\th1:a=\n\tdep\tgithub.com/google/cel-go\tv0.26.0\th1:b=\n',
      ['pkg:golang/stdlib@1.26.1', 'pkg:golang/cel.dev/expr@v0.24.0', 'pkg:golang/github.com/google/cel-go@v0.26.0'],
    ],
    [
      'with one that was replaced: what was put in its place',
      '/tmp/x: go1.26.1\n\tdep\ta.example/b\tv1.0.0\t\n\t=>\tc.example/b\tv1.0.1\th1:c=\n\tdep\td.example\tv2.0.0\th1:d=\n',
      ['pkg:golang/stdlib@1.26.1', 'pkg:golang/c.example/b@v1.0.1', 'pkg:golang/d.example@v2.0.0'],
    ],
  ])('%s', (_name, printed, purls) => {
    expect(goComponents(printed).map(({ purl }) => purl)).toEqual(purls);
  });

  it('cannot be told of what go does not know', () => {
    expect(() => goComponents('/tmp/x: unrecognized file format')).toThrow('go version printed');
  });
});

describe('components of layers', () => {
  it('of users and folders are none', async () => {
    expect(await componentsOf([emptyRootLayer], context)).toEqual([]);
  });

  it('are refused where they are not known', async () => {
    const layer: LayerRecipe = { ...emptyRootLayer, name: 'busybox' };
    await expect(componentsOf([emptyRootLayer, layer], context)).rejects.toThrow(
      'what layer busybox holds is not known: only images of our own have a bill of materials',
    );
  });
});

describe('what is attested', () => {
  const subject = { name: 'entrypoint', version: '1.2.3', digest: 'sha256:ab' };
  const component = (name: string): Component => ({ type: 'library', name, version: '1', purl: `pkg:x/${name}@1` });

  it('the bill of materials: the image, and its components in one order', () => {
    expect(billOfMaterials(subject, [component('b'), component('a')])).toEqual({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
      version: 1,
      metadata: {
        component: {
          'bom-ref': 'entrypoint@sha256:ab',
          type: 'container',
          name: 'entrypoint',
          version: '1.2.3',
          purl: 'pkg:oci/entrypoint@sha256%3Aab?repository_url=ghcr.io%2Ftektite%2Fentrypoint',
        },
      },
      components: [component('a'), component('b')],
    });
  });

  it('provenance: the commit, and what says which dependencies were fetched', () => {
    expect(provenance(subject, { commit: 'c0ffee', locks: { 'package-lock.json': 'cd' } })).toEqual({
      buildDefinition: {
        buildType: 'https://github.com/tektite/tektite/hack/images@v1',
        externalParameters: { image: 'entrypoint', version: '1.2.3' },
        resolvedDependencies: [
          { name: 'tektite', digest: { gitCommit: 'c0ffee' } },
          { name: 'package-lock.json', digest: { sha256: 'cd' } },
        ],
      },
      runDetails: { builder: { id: 'https://github.com/tektite/tektite/hack/images' } },
    });
  });
});
