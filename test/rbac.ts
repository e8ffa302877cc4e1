import type { KubeObject, Resource } from '../src/resource.ts';

/** What tests write of rbac.authorization.k8s.io: the chart installs rights, so the product knows none of it. */
export interface Rights extends KubeObject {
  rules?: { apiGroups: string[]; resources: string[]; verbs: readonly string[]; resourceNames?: string[] }[];
  roleRef?: { apiGroup: string; kind: 'Role' | 'ClusterRole'; name: string };
  subjects?: { kind: 'ServiceAccount'; namespace?: string; name: string }[];
}

export const rbacGroup = 'rbac.authorization.k8s.io';

const rights = (plural: string, kind: string, namespaced: boolean): Resource<Rights> => ({
  group: rbacGroup,
  version: 'v1',
  plural,
  kind,
  namespaced,
});

export const roles = rights('roles', 'Role', true);
export const roleBindings = rights('rolebindings', 'RoleBinding', true);
export const clusterRoles = rights('clusterroles', 'ClusterRole', false);
export const clusterRoleBindings = rights('clusterrolebindings', 'ClusterRoleBinding', false);

/** The four by their kind. */
export const rbacKinds: Readonly<Record<string, Resource<Rights>>> = Object.fromEntries(
  [roles, roleBindings, clusterRoles, clusterRoleBindings].map((resource) => [resource.kind, resource]),
);
