/** Where the files of a workspace are. `template`: a claim that is made for the run. */
export type WorkspaceSource = 'none' | 'emptyDir' | 'template' | 'claim' | 'configMap' | 'secret';

/** What a list offers, with what each means. */
export const workspaceSources: Readonly<Record<WorkspaceSource, string>> = {
  none: 'none',
  emptyDir: 'an empty directory, of each task its own',
  template: 'a new volume for the run',
  claim: 'a volume claim that is there',
  configMap: 'a ConfigMap',
  secret: 'a Secret',
};

export interface WorkspaceInput {
  source: WorkspaceSource;
  /** Of the claim, ConfigMap or Secret; of a new volume its storage class, empty for the cluster's own. */
  name: string;
  /** Of a new volume, as Kubernetes writes quantities: `1Gi`. */
  size: string;
}

const objectName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const quantity = /^[1-9]\d{0,11}(?:\.\d{1,3})?(?:[KMGTP]i|[kMGTP])?$/;

/** What is wrong with a workspace, and the way out. */
export function workspaceProblem(input: WorkspaceInput | undefined, isOptional: boolean): string | undefined {
  const { source, name, size } = input ?? { source: 'none', name: '', size: '' };
  switch (source) {
    case 'none':
      return isOptional ? undefined : 'has to be given: choose where its files are';
    case 'emptyDir':
      return undefined;
    case 'template':
      if (!quantity.test(size)) return `the size ${JSON.stringify(size)} is no quantity: write 1Gi`;
      return name === '' || objectName.test(name) ? undefined : `${JSON.stringify(name)} is no name of a storage class`;
    case 'claim':
    case 'configMap':
    case 'secret':
      if (name === '') return `give the name of ${workspaceSources[source]}`;
      return objectName.test(name)
        ? undefined
        : `${JSON.stringify(name)} is no name: small letters, digits, "-" and "."`;
    default:
      return source satisfies never;
  }
}

/** A workspace as a run binds it, but for its name; undefined: it is left out. */
export function workspaceSource(input: WorkspaceInput | undefined): object | undefined {
  const { source, name, size } = input ?? { source: 'none', name: '', size: '' };
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
    default:
      return source satisfies never;
  }
}

function claimSpec(storageClassName: string, storage: string): object {
  const ofClass = storageClassName === '' ? {} : { storageClassName };
  return { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...ofClass };
}
