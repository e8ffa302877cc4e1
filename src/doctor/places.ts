/** Where the parts of an installation are. */
export interface Places {
  pipelines: string;
  triggers: string;
  chains: string;
  resolvers: string;
}

export const usualPlaces: Places = {
  pipelines: 'tekton-pipelines',
  triggers: 'tekton-pipelines',
  chains: 'tekton-chains',
  resolvers: 'tekton-pipelines-resolvers',
};

/** Each namespace once. */
export function namespacesIn({ pipelines, triggers, chains, resolvers }: Places): string[] {
  return [...new Set([pipelines, triggers, chains, resolvers])];
}

/** The Deployment without which nothing runs. */
export const controllerName = 'tekton-pipelines-controller';

/** Without it the API server takes nothing that it would have checked. */
const webhookName = 'tekton-pipelines-webhook';

/** Whether nobody can run anything while it is not there. */
export function isNeeded(name: string): boolean {
  return name === controllerName || name === webhookName;
}

/** The Deployments of the suite by their names; what else is in its namespaces is not judged. */
const roleName =
  /^tekton-(?:pipelines-(?:controller|webhook|remote-resolvers)|chains-controller|dashboard|triggers-(?:controller|webhook|core-interceptors|shared-sink))$/;

export function isRole(name: string): boolean {
  return roleName.test(name);
}
