import type { ConfigData, ResolverType } from './resolver.ts';

/** The ConfigMap of each. */
export const configNames = {
  bundles: 'bundleresolver-config',
  cluster: 'cluster-resolver-config',
  git: 'git-resolver-config',
  http: 'http-resolver-config',
  hub: 'hubresolver-config',
} as const satisfies Readonly<Record<ResolverType, string>>;

/** What upstream ships in the resolvers' ConfigMaps: it counts where a key is not there. */
export const shippedConfig: Readonly<Record<ResolverType, ConfigData>> = {
  bundles: { 'default-service-account': 'default', 'default-kind': 'task' },
  cluster: { 'default-kind': 'task' },
  git: {
    'fetch-timeout': '1m',
    'default-url': 'https://github.com/tektoncd/catalog.git',
    'default-revision': 'main',
    'scm-type': 'github',
    'api-token-secret-namespace': 'default',
  },
  http: { 'fetch-timeout': '1m' },
  hub: {
    'default-tekton-hub-catalog': 'Tekton',
    'default-artifact-hub-task-catalog': 'tekton-catalog-tasks',
    'default-artifact-hub-pipeline-catalog': 'tekton-catalog-pipelines',
    'default-kind': 'task',
    'default-type': 'artifact',
  },
};
