import { describe, expect, it } from 'vitest';
import { mergeWorkspaces, readWorkspace } from './workspaces.ts';

const read = (text: string) => readWorkspace(text, (file) => Promise.resolve({ from: file }));

describe('readWorkspace', () => {
  it.each([
    ['name=w,claimName=c,subPath=d', { name: 'w', subPath: 'd', persistentVolumeClaim: { claimName: 'c' } }],
    ['name=w,emptyDir=', { name: 'w', emptyDir: {} }],
    ['name=w,emptyDir=Memory', { name: 'w', emptyDir: { medium: 'Memory' } }],
    ['name=w,secret=s', { name: 'w', secret: { secretName: 's' } }],
    [
      'name=w,config=c,item=k=p,item=k2=p=2',
      {
        name: 'w',
        configMap: {
          name: 'c',
          items: [
            { key: 'k', path: 'p' },
            { key: 'k2', path: 'p=2' },
          ],
        },
      },
    ],
    ['name=w,volumeClaimTemplateFile=f.yaml', { name: 'w', volumeClaimTemplate: { from: 'f.yaml' } }],
    ['name=w,csiFile=f.yaml', { name: 'w', csi: { from: 'f.yaml' } }],
  ])('%s', async (text, expected) => {
    expect(await read(text)).toEqual(expected);
  });

  it.each([
    ['claimName=c', /^Name not found for workspace: claimName=c: write --workspace/],
    ['name=w', /^invalid input format for workspace : name=w: write --workspace/],
    ['name=w,claimName=c,emptyDir=', /one source only/],
    ['name=w,emptyDir=Disk', /emptyDir is nothing, Memory or HugePages/],
    ['name=w,config=c,item=k', /an item is written item=key=path/],
    ['name=w,claim=c', /"claim" is not known/],
    ['name=w,emptyDir', /"emptyDir" has no "="/],
  ])('refuses %s', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('mergeWorkspaces', () => {
  it('puts a new binding in the place of the old one', () => {
    const bind = (name: string, claimName: string) => ({ name, persistentVolumeClaim: { claimName } });
    expect(mergeWorkspaces([bind('a', '1'), bind('b', '2')], [bind('a', '3'), bind('c', '4')])).toEqual([
      bind('a', '3'),
      bind('b', '2'),
      bind('c', '4'),
    ]);
  });
});
