import type { ConfigMap, Deployment, Lease, Pod } from '../kube/resources.ts';
import type { Observed } from './observe.ts';
import { usualPlaces } from './places.ts';

/** Parts of an installation as the API server has them. */

export const now = new Date('2026-05-01T12:00:00Z');
export const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString();

export interface DeploymentPlan {
  namespace?: string;
  wanted?: number;
  ready?: number;
  version?: string;
}

export function deployment(name: string, more: DeploymentPlan = {}): Deployment {
  const { namespace = 'tekton-pipelines', wanted = 1, ready = wanted, version = 'v0.1.0' } = more;
  return {
    metadata: { name, namespace, labels: { version } },
    spec: { replicas: wanted, selector: { matchLabels: { app: name } } },
    status: { readyReplicas: ready },
  } as unknown as Deployment;
}

export function pod(name: string, app: string, more: { namespace?: string; status?: object } = {}): Pod {
  const { namespace = 'tekton-pipelines', status = {} } = more;
  return {
    metadata: { name, namespace, labels: { app, other: 'x' } },
    spec: { nodeName: 'node-1', containers: [{ name: app, ports: [{ name: 'metrics', containerPort: 9090 }] }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }], startTime: ago(600), ...status },
  };
}

export interface LeasePlan {
  holder?: string;
  renewedAgo?: number;
  namespace?: string;
}

export function lease(
  name: string,
  { holder = 'pod-a', renewedAgo = 5, namespace = 'tekton-pipelines' }: LeasePlan = {},
): Lease {
  return {
    metadata: { name, namespace },
    spec: { holderIdentity: holder, renewTime: ago(renewedAgo), leaseDurationSeconds: 60 },
  };
}

export function configMap(name: string, data: Record<string, string>, namespace = 'tekton-pipelines'): ConfigMap {
  return { metadata: { name, namespace }, data };
}

/** An installation of which everything could be read. */
export function observed(more: Partial<Observed> = {}): Observed {
  return {
    places: usualPlaces,
    kubernetes: 'v1.30.1',
    deployments: [deployment('tekton-pipelines-controller')],
    pods: [],
    leases: [],
    configMaps: [],
    webhooks: [],
    metrics: [],
    read: new Set(['deployments tekton-pipelines']),
    unread: [],
    ...more,
  };
}
