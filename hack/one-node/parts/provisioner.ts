import { callApi } from '../api.ts';
import { nodeName, statePath } from '../instance.ts';
import { kubeconfigPath } from '../kubeconfig.ts';
import type { Part } from '../part.ts';

/** The `provisioner` of the default StorageClass. */
export const PROVISIONER_NAME = 'tektite.dev/node-folder';

export const provisioner: Part = {
  name: 'provisioner',
  modes: ['full'],
  after: ['kube-apiserver'],
  binaries: ['provisioner'],
  launch(instance, binary) {
    const root = statePath(instance.name, 'volumes');
    return {
      argv: [
        binary('provisioner'),
        `--kubeconfig=${kubeconfigPath(instance, 'provisioner')}`,
        `--root=${root}`,
        `--node=${nodeName(instance)}`,
        `--provisioner=${PROVISIONER_NAME}`,
      ],
      folders: [root],
    };
  },
  /** It has no port; that its class is there is all that can be asked. Whether it lives, the process tells. */
  async health(instance) {
    const { status } = await callApi(instance, 'GET', '/apis/storage.k8s.io/v1/storageclasses/standard');
    return status === 200 ? undefined : `StorageClass standard is not there (${status})`;
  },
};
