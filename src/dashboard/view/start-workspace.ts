import { commaList } from '../../comma-list.ts';

/** Where the files of a workspace are. `template`: a claim that is made for the run. */
export type WorkspaceSource = 'none' | 'emptyDir' | 'template' | 'claim' | 'configMap' | 'secret' | 'projected' | 'csi';

/** What a list offers, with what each means. */
export const workspaceSources: Readonly<Record<WorkspaceSource, string>> = {
  none: 'none',
  emptyDir: 'an empty directory, of each task its own',
  template: 'a new volume for the run',
  claim: 'a volume claim that is there',
  configMap: 'a ConfigMap',
  secret: 'a Secret',
  projected: 'several ConfigMaps and Secrets',
  csi: 'a volume of a CSI driver',
};

export interface WorkspaceInput {
  source: WorkspaceSource;
  /**
   * Of the claim, ConfigMap, Secret or driver; of a new volume its storage class, empty for the cluster's own; of
   * several a list: `configmap/settings, secret/key`.
   */
  name: string;
  /** Of a new volume, as Kubernetes writes quantities: `1Gi`. */
  size: string;
  /** A folder of a volume; empty: all of it. */
  subPath: string;
  /** Of a driver: `key=value, key=value`. */
  attributes: string;
}

/** What a workspace begins as. */
export function workspaceFrom(source: WorkspaceSource): WorkspaceInput {
  return { source, name: '', size: '1Gi', subPath: '', attributes: '' };
}

/** Whether one may choose a folder of what is there. */
export function hasFolders(source: WorkspaceSource): boolean {
  return source === 'template' || source === 'claim' || source === 'csi';
}

const objectName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const quantity = /^[1-9]\d{0,11}(?:\.\d{1,3})?(?:[KMGTP]i|[kMGTP])?$/;
const missing = workspaceFrom('none');

/** What is wrong with a workspace, and the way out. */
export function workspaceProblem(input: WorkspaceInput | undefined, isOptional: boolean): string | undefined {
  const given = input ?? missing;
  if (given.source === 'none') return isOptional ? undefined : 'has to be given: choose where its files are';
  return folderProblem(given) ?? volumeProblem(given);
}

function folderProblem({ source, subPath }: WorkspaceInput): string | undefined {
  if (!hasFolders(source) || !/^\/|(?:^|\/)\.\.(?:\/|$)/.test(subPath)) return undefined;
  return `the folder ${JSON.stringify(subPath)} leads out of the volume: give a path such as build/output`;
}

function volumeProblem({ source, name, size, attributes }: WorkspaceInput): string | undefined {
  switch (source) {
    case 'none':
    case 'emptyDir':
      return undefined;
    case 'template':
      return templateProblem(name, size);
    case 'claim':
    case 'configMap':
    case 'secret':
      return nameProblem(name, workspaceSources[source]);
    case 'csi':
      return nameProblem(name, 'the CSI driver') ?? attributesProblem(attributes);
    case 'projected':
      return projectedProblem(name);
    default:
      return source satisfies never;
  }
}

function templateProblem(storageClass: string, size: string): string | undefined {
  if (!quantity.test(size)) return `the size ${JSON.stringify(size)} is no quantity: write 1Gi`;
  if (storageClass === '' || objectName.test(storageClass)) return undefined;
  return `${JSON.stringify(storageClass)} is no name of a storage class`;
}

function nameProblem(name: string, of: string): string | undefined {
  if (name === '') return `give the name of ${of}`;
  return objectName.test(name) ? undefined : `${JSON.stringify(name)} is no name: small letters, digits, "-" and "."`;
}

function attributesProblem(text: string): string | undefined {
  const wrong = commaList(text).find((item) => item.indexOf('=') < 1);
  return wrong === undefined ? undefined : `${JSON.stringify(wrong)} is no attribute: write key=value, key=value`;
}

function projectedProblem(text: string): string | undefined {
  const items = commaList(text);
  if (items.length === 0) return 'give what is in it: configmap/NAME, secret/NAME';
  const wrong = items.find((item) => projectedSource(item) === undefined);
  return wrong === undefined ? undefined : `${JSON.stringify(wrong)} is neither configmap/NAME nor secret/NAME`;
}

function projectedSource(item: string): object | undefined {
  const [kind, name = '', ...more] = item.split('/');
  if (more.length > 0 || !objectName.test(name)) return undefined;
  if (kind === 'configmap') return { configMap: { name } };
  return kind === 'secret' ? { secret: { name } } : undefined;
}

/** A workspace as a run binds it, but for its name; undefined: it is left out. */
export function workspaceSource(input: WorkspaceInput | undefined): object | undefined {
  const { source, subPath } = input ?? missing;
  const volume = volumeOf(input ?? missing);
  return volume === undefined || subPath === '' || !hasFolders(source) ? volume : { ...volume, subPath };
}

function volumeOf({ source, name, size, attributes }: WorkspaceInput): object | undefined {
  switch (source) {
    case 'none':
      return undefined;
    case 'emptyDir':
      return { emptyDir: {} };
    case 'template':
      return { volumeClaimTemplate: { spec: claimSpec(name, size) } };
    case 'claim':
      return { persistentVolumeClaim: { claimName: name } };
    case 'configMap':
      return { configMap: { name } };
    case 'secret':
      return { secret: { secretName: name } };
    case 'projected':
      return { projected: { sources: commaList(name).flatMap((item) => projectedSource(item) ?? []) } };
    case 'csi':
      return { csi: { driver: name, ...volumeAttributes(attributes) } };
    default:
      return source satisfies never;
  }
}

function volumeAttributes(text: string): object {
  const pairs = commaList(text).map((item): [string, string] => {
    const at = item.indexOf('=');
    return [item.slice(0, at).trim(), item.slice(at + 1).trim()];
  });
  return pairs.length === 0 ? {} : { volumeAttributes: Object.fromEntries(pairs) };
}

function claimSpec(storageClassName: string, storage: string): object {
  const ofClass = storageClassName === '' ? {} : { storageClassName };
  return { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...ofClass };
}
